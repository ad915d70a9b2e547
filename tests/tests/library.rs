//! What one has typed is never lost: sessions in a real Chromium that is reloaded, cut off from the
//! network, and killed.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use tests::cdp::{Browser, Profile};
use tests::child::{children_of, signal};
use tests::page::Page;
use tests::server::Server;
use tests::site::Site;
use tests::{Random, Settings};

const LIVE: &str = "document.documentElement.dataset.live === '1' && \
    document.querySelector('#console-input')?.dataset.busy === 'false'";

/// The lines in the console, in order, as a page's reader sees them.
const SHOWN: &str = "[...document.querySelectorAll('.entry .words')].map(e => e.textContent)";

/// A page in a browser.
struct Tab {
    page: Page,
}

impl Deref for Tab {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl DerefMut for Tab {
    fn deref_mut(&mut self) -> &mut Page {
        &mut self.page
    }
}

impl Tab {
    fn open(url: &str) -> Tab {
        let mut page = Tab {
            page: Page::launch(&Settings::find()),
        };
        page.goto(url);
        page
    }

    /// Goes somewhere and waits for a page that owes nothing.
    #[track_caller]
    fn goto(&mut self, url: &str) {
        // From another fragment of the same page one would not leave it.
        self.browser.goto("about:blank").expect("it is built in");
        self.browser.goto(url).expect("the page is there");
        self.wait(LIVE);
    }

    #[track_caller]
    fn reload(&mut self) {
        self.eval("globalThis.isOld = true");
        self.browser
            .call("Page.reload", json!({}))
            .expect("chromium can");
        self.wait(&format!("!globalThis.isOld && {LIVE}"));
    }

    /// Pastes lines into the console.
    #[track_caller]
    fn paste(&mut self, lines: &[String]) {
        let text = json!(lines.concat());
        self.eval(&format!(
            "(input => {{ const data = new DataTransfer();
                data.setData('text', {text});
                input.dispatchEvent(new ClipboardEvent('paste',
                    {{clipboardData: data, bubbles: true, cancelable: true}})); }})
            (document.querySelector('#console-input'))"
        ));
    }

    /// Runs a line and waits for its step.
    #[track_caller]
    fn line(&mut self, line: &str) {
        let step: u64 = self.state("step").parse().expect("a number");
        self.paste(&[format!("{line}\n")]);
        self.wait(&format!(
            "document.querySelector('#state-line').dataset.step === '{}' && {LIVE}",
            step + 1
        ));
    }

    /// The step shown, how many there are, and the chain.
    #[track_caller]
    fn stands(&mut self) -> (String, String, String) {
        (self.state("step"), self.state("steps"), self.state("chain"))
    }

    #[track_caller]
    fn seek(&mut self, step: u32) {
        self.eval(&format!(
            "document.querySelector('.entry button[data-step=\"{step}\"]').click()"
        ));
        self.wait(&format!(
            "document.querySelector('#state-line').dataset.step === '{step}' && {LIVE}"
        ));
    }

    /// The lines that the console shows.
    #[track_caller]
    fn shown(&mut self) -> Vec<String> {
        let shown = self.eval(SHOWN);
        let words = shown.as_array().into_iter().flatten();
        words
            .filter_map(|word| word.as_str().map(str::to_string))
            .collect()
    }

    /// The last step whose line the console shows with its output.
    #[track_caller]
    fn last_shown(&mut self) -> usize {
        let step = self.eval(
            "Math.max(0, ...[...document.querySelectorAll('.entry')].map(e => +e.dataset.step))",
        );
        step.as_u64().unwrap_or_default() as usize
    }

    /// The link that the page makes, with its step.
    #[track_caller]
    fn link(&mut self) -> String {
        self.click("#share");
        self.wait("document.querySelector('#share-link')?.value");
        let link = self.text("document.querySelector('#share-link').value");
        self.click("#sessions-close");
        link
    }

    /// The names in the list of sessions, which is open.
    #[track_caller]
    fn names(&mut self) -> Vec<String> {
        let names =
            self.eval("[...document.querySelectorAll('#sessions-table .name')].map(n => n.value)");
        let names = names.as_array().into_iter().flatten();
        names
            .filter_map(|name| name.as_str().map(str::to_string))
            .collect()
    }

    /// Chooses a file as a person would.
    #[track_caller]
    fn choose(&mut self, selector: &str, file: &std::path::Path) {
        let expression = format!("document.querySelector('{selector}')");
        let input = self
            .browser
            .call("Runtime.evaluate", json!({"expression": expression}))
            .expect("chromium can");
        let files = json!({"files": [file], "objectId": input["result"]["objectId"]});
        self.browser
            .call("DOM.setFileInputFiles", files)
            .expect("chromium can");
    }
}

fn server() -> Server {
    Server::start(&Settings::find(), &[]).expect("the server starts")
}

/// A folder of its own for one test, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("glass-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        Folder(folder)
    }

    /// The file that a download ends in. Chromium reserves its name with an empty file, and puts the
    /// whole one in its place.
    #[track_caller]
    fn file(&self, name: &str) -> Vec<u8> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let read = fs::read(self.0.join(name));
            match read {
                Ok(bytes) if !bytes.is_empty() => return bytes,
                _ if Instant::now() > deadline => {
                    let there: Vec<_> = fs::read_dir(&self.0).into_iter().flatten().collect();
                    panic!("{name}: {read:?}; there are {there:?}")
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_reload_comes_back_to_the_same_step() {
    let server = server();
    let mut page = Tab::open(&server.url());
    for line in [
        "radix create t",
        "radix insert t 5 1",
        "radix insert t 99 2",
    ] {
        page.line(line);
    }
    page.seek(2);
    let (stands, shown) = (page.stands(), page.shown());
    page.reload();
    assert_eq!((page.stands(), page.shown()), (stands.clone(), shown));
    // At once after a step, before any pause.
    page.eval("document.querySelector('#step-back').click()");
    page.wait("document.querySelector('#state-line').dataset.step === '1'");
    page.reload();
    assert_eq!(page.state("step"), "1");
    // A line in the past drops two, which can come back, also after a reload.
    page.line("radix insert t 7 3");
    assert_eq!(page.state("steps"), "2");
    page.wait("document.querySelector('#dropped-note')?.textContent.includes('2 lines')");
    page.reload();
    page.click("#sessions");
    page.wait("document.querySelector('.dropped button')");
    // Not by its place: the list above it may still be coming.
    page.eval("document.querySelector('.dropped button').click()");
    page.wait("document.querySelector('#state-line').dataset.steps === '3'");
    page.click("#sessions-close");
    page.wait(LIVE);
    page.seek(2);
    assert_eq!(page.stands(), stands);
    page.is_clean();
}

#[test]
fn sessions_are_kept_named_and_managed_by_keyboard() {
    let server = server();
    let mut page = Tab::open(&server.url());
    page.line("echo first");
    let focus = |page: &mut Tab, selector: &str| {
        for _ in 0..80 {
            if page.eval(&format!("document.activeElement.matches('{selector}')")) == true {
                return;
            }
            page.press("Tab", 0);
        }
        panic!("Tab never reaches {selector}");
    };
    focus(&mut page, "#sessions");
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 1");
    focus(&mut page, "#sessions-table .name");
    page.press("End", 0);
    page.browser.type_text(", renamed").expect("keys work");
    page.press("Tab", 0);
    page.wait("document.querySelector('#sessions-table [data-do=save]').ariaLabel === 'save echo first, renamed'");
    focus(&mut page, "#session-new");
    page.press("Enter", 0);
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '0' && {LIVE}"
    ));
    page.wait("!document.querySelector('#sessions-dialog').open");
    page.line("echo second");
    page.line("echo more");
    focus(&mut page, "#sessions");
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    assert_eq!(page.names(), ["echo second", "echo first, renamed"]);
    focus(&mut page, "#sessions-table tr:nth-child(2) [data-do=open]");
    page.press("Enter", 0);
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '1' && {LIVE}"
    ));
    assert_eq!(page.shown(), ["echo first"]);

    // Duplicate, delete, and take it back.
    focus(&mut page, "#sessions");
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    focus(&mut page, "#sessions-table [data-do=duplicate]");
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 3");
    focus(
        &mut page,
        "#sessions-table tr:not(.current) [data-do=delete]",
    );
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    focus(&mut page, "#undelete");
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 3");
    // The one that is open can go as well, and what is typed then is a session of its own.
    focus(&mut page, "#sessions-table tr.current [data-do=delete]");
    page.press("Enter", 0);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    page.press("Escape", 0);
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '0' && {LIVE}"
    ));
    page.line("echo third");
    page.reload();
    assert_eq!(page.shown(), ["echo third"]);
    page.is_clean();
}

#[test]
fn a_second_tab_gets_a_copy() {
    let server = server();
    let mut page = Tab::open(&server.url());
    page.line("echo one");
    let first = page.browser.tab().clone();
    page.browser.open_tab().expect("chromium can");
    page.goto(&server.url());
    assert_eq!(page.shown(), ["echo one"]);
    let said = page.text("document.querySelector('#console-output').innerText");
    assert!(said.contains("open in another tab"), "{said}");
    page.line("echo copy");
    page.browser.turn_to(&first).expect("chromium can");
    page.line("echo original");
    page.reload();
    assert_eq!(page.shown(), ["echo one", "echo original"]);
    page.click("#sessions");
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    let mut names = page.names();
    names.sort();
    assert_eq!(names, ["echo one", "echo one (copy)"]);
    page.is_clean();
}

#[test]
fn sessions_leave_and_come_as_files() {
    let folder = Folder::new("files");
    let server = server();
    let mut page = Tab::open(&server.url());
    let downloads = json!({"behavior": "allow", "downloadPath": folder.0});
    page.browser
        .call_browser("Browser.setDownloadBehavior", downloads)
        .expect("chromium can");
    // A log of any bytes.
    let log = b"mem=16M nodes=2\nradix create t\necho \xff\xfe\n\nradix insert t 5 1\n";
    let file = folder.0.join("in.log");
    fs::write(&file, log).expect("the folder is ours");
    page.click("#sessions");
    page.wait("document.querySelector('#session-import')");
    page.choose("#session-import", &file);
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '4' && {LIVE}"
    ));
    let stands = page.stands();
    page.click("#log");
    page.wait("document.querySelector('#log-text')?.value.length > 50");
    page.click("#log-save");
    let saved = folder.file("session.log");
    let (heading, lines) = saved.split_at(saved.iter().position(|b| *b == b'\n').unwrap() + 1);
    let heading = String::from_utf8_lossy(heading);
    assert!(heading.starts_with("glass=1 boot="), "{heading}");
    assert!(
        heading.contains(&format!("chain={} mem=16M nodes=2", stands.2)),
        "{heading}"
    );
    assert_eq!(lines, &log[16..], "the lines are the same bytes");
    page.click("#sessions-close");

    // All of them, into another browser.
    page.click("#sessions");
    page.wait("document.querySelector('#session-new')");
    page.click("#session-new");
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '0' && {LIVE}"
    ));
    page.line("echo second");
    page.click("#sessions");
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    page.click("#session-export-all");
    let all = folder.file("sessions.glass");
    page.is_clean();
    drop(page);
    let bundle = folder.0.join("bundle");
    fs::write(&bundle, all).expect("the folder is ours");
    let mut page = Tab::open(&server.url());
    page.click("#sessions");
    page.wait("document.querySelector('#session-import')");
    page.choose("#session-import", &bundle);
    page.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    let mut names = page.names();
    names.sort();
    assert_eq!(names, ["echo second", "radix create t"]);
    page.click("#sessions-table [aria-label='open radix create t']");
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '4' && {LIVE}"
    ));
    assert_eq!(page.stands(), stands);
    page.is_clean();
}

/// The browser tells that a dialog was closed when it is open again: that must not close it.
#[test]
fn a_dialog_may_be_opened_at_once_after_it_was_closed() {
    let server = server();
    let mut page = Tab::open(&server.url());
    for _ in 0..3 {
        page.click("#sessions");
        page.wait("document.querySelector('#sessions-dialog').open");
        let is_open = page.eval(
            "(async () => {
                const dialog = document.querySelector('#sessions-dialog');
                // Runs before the browser tells of the closing.
                new MutationObserver((_, closing) => {
                    if (dialog.open) return;
                    closing.disconnect();
                    document.querySelector('#sessions').click();
                }).observe(dialog, {attributes: true});
                document.querySelector('#sessions-close').click();
                await new Promise(done => setTimeout(done, 500));
                return dialog.open;
            })()",
        );
        assert_eq!(is_open, true);
        // By Escape it closes, and stays closed.
        page.press("Escape", 0);
        page.wait("!document.querySelector('#sessions-dialog').open");
        page.click("#log");
        page.wait("document.querySelector('#log-text')");
        page.click("#sessions-close");
        page.wait("!document.querySelector('#sessions-dialog').open");
    }
    page.is_clean();
}

#[test]
fn a_link_carries_the_session_and_its_step() {
    let server = server();
    let mut page = Tab::open(&server.url());
    for line in [
        "radix create t",
        "radix insert t 70 'ü'",
        "radix insert t 70 2",
    ] {
        page.line(line);
    }
    page.seek(2);
    let link = page.link();
    assert!(
        link.contains("#log=1.") && link.ends_with("&step=2"),
        "{link}"
    );
    let stands = page.stands();
    page.is_clean();

    // Somewhere else, where a session is open that must stay as it is.
    let mut other = Tab::open(&server.url());
    other.line("echo mine");
    other.goto(&link);
    assert_eq!(other.stands(), stands);
    assert_eq!(other.shown().len(), 3);
    // Looked at only, it leaves nothing; a line makes it a session.
    other.click("#sessions");
    other.wait("document.querySelectorAll('#sessions-table tbody tr').length === 1");
    other.click("#sessions-close");
    other.line("radix lookup t 70");
    assert_eq!(other.eval("location.hash"), "");
    other.reload();
    assert_eq!(other.state("steps"), "3");
    other.click("#sessions");
    other.wait("document.querySelectorAll('#sessions-table tbody tr').length === 2");
    assert_eq!(other.names(), ["radix create t", "echo mine"]);
    other.click("#sessions-close");
    // A step alone, and a link put into the open page's address.
    other.goto(&format!("{}#step=1", server.url()));
    assert_eq!(other.state("step"), "1");
    let fragment = link.split_once('#').expect("it has one").1;
    other.eval(&format!("location.hash = {}", json!(fragment)));
    other.wait(&format!(
        "document.querySelector('#state-line').dataset.step === '2' && {LIVE}"
    ));
    assert_eq!(other.stands(), stands);
    // Broken links say so, and the page works.
    for (fragment, said) in [
        ("#log=1.AAAA", "broken"),
        ("#log=7.AAAA", "version '7'"),
        ("#link=12", "64 hexadecimal"),
        ("#step=x", "not a number"),
    ] {
        other.goto(&format!("{}{fragment}", server.url()));
        other.wait(&format!(
            "document.querySelector('.note.error')?.textContent.includes({})",
            json!(said)
        ));
    }
    other.line("echo still here");
    other.is_clean();
}

/// A link as it was made long ago still shows what it showed.
#[test]
fn a_stored_link_opens() {
    let v1 = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/compat/v1");
    let links = fs::read_to_string(v1.join("links.txt")).expect("it is stored");
    let server = server();
    let mut page = Tab::open(&server.url());
    for line in links.lines() {
        let (name, link) = line.split_once(' ').expect("a name and a link");
        let text = fs::read(v1.join(format!("{name}.txt"))).expect("it is stored");
        page.goto(&format!("{}{link}", server.url()));
        let printed = page.text(
            "[...document.querySelectorAll('.printed')].map(p => p.textContent + '\\n').join('')",
        );
        assert_eq!(printed, String::from_utf8_lossy(&text), "{name}");
    }
    page.is_clean();
}

/// A log that is too long for a link stays with the server.
#[test]
fn a_long_session_is_left_with_the_server() {
    let server = server();
    let mut page = Tab::open(&server.url());
    let mut random = Random::new(5);
    let lines: Vec<String> = (0..150)
        .map(|_| {
            format!(
                "# {:016x}{:016x}{:016x}{:016x}{:016x}{:016x}{:016x}{:016x}{:016x}{:016x}\n",
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits(),
                random.bits()
            )
        })
        .collect();
    page.paste(&lines);
    page.wait(&format!(
        "document.querySelector('#state-line').dataset.steps === '150' && {LIVE}"
    ));
    page.seek(7);
    let link = page.link();
    assert!(link.contains("#link=") && link.len() < 200, "{link}");
    let stands = page.stands();
    drop(page);
    let mut other = Tab::open(&link);
    assert_eq!(other.stands(), stands);
    other.is_clean();
    other.goto(&format!("{}#link={}", server.url(), "0".repeat(64)));
    other.wait("document.querySelector('.note.error')?.textContent.includes('does not have')");
}

/// A browser that forbids or runs out of storage is no reason to stop.
#[test]
fn a_browser_that_does_not_save_says_so_and_goes_on() {
    let server = server();
    let browser = Browser::launch(&Settings::find()).expect("chromium starts");
    let mut page = Tab {
        page: Page { browser },
    };
    // As in a private window of some browsers.
    let script =
        json!({"source": "IDBFactory.prototype.open = () => { throw new Error('private') }"});
    let script = page
        .browser
        .call("Page.addScriptToEvaluateOnNewDocument", script)
        .expect("chromium can");
    page.goto(&server.url());
    page.line("echo unsaved");
    page.wait("document.querySelector('#not-saved')?.title.includes('private')");
    assert_eq!(
        page.eval("document.querySelectorAll('.note.error').length"),
        1
    );
    page.browser
        .call(
            "Page.removeScriptToEvaluateOnNewDocument",
            json!({"identifier": script["identifier"]}),
        )
        .expect("chromium can");

    // A full disk, in the middle of a session.
    page.goto(&server.url());
    page.line("echo saved");
    page.eval(
        "IDBObjectStore.prototype.put = () => {
            throw new DOMException('the disk is full', 'QuotaExceededError'); }",
    );
    page.line("echo too much");
    page.line("echo and more");
    page.wait("document.querySelector('#not-saved')");
    assert_eq!(
        page.eval("document.querySelectorAll('.note.error').length"),
        1
    );
    assert_eq!(page.state("steps"), "3");
    page.reload();
    assert_eq!(page.shown(), ["echo saved"]);
    let exceptions = page.browser.console().expect("the browser lives");
    assert!(
        exceptions.iter().all(|line| line.level != "exception"),
        "{exceptions:#?}"
    );
}

#[test]
fn settings_are_remembered() {
    let server = server();
    let mut page = Tab::open(&server.url());
    page.click("#theme");
    page.click("#theme");
    page.click("#tab-slab");
    page.wait("document.querySelector('#slab-table-toggle')");
    page.click("#slab-table-toggle");
    page.wait("document.querySelector('#slab-table')");
    page.eval(
        "(s => { s.value = 'native'; s.dispatchEvent(new Event('change', {bubbles: true})); })
            (document.querySelector('#host'))",
    );
    page.wait(LIVE);
    page.reload();
    page.wait("document.querySelector('#slab-table')");
    assert_eq!(page.eval("document.documentElement.dataset.theme"), "dark");
    page.wait("document.querySelector('#host').value === 'native'");
    page.line("echo on the server");
    // What a later version left does not stop the page.
    page.eval("localStorage.setItem('glass-settings', '9 what=ever')");
    page.reload();
    page.wait("document.querySelector('#host').value === 'wasm'");
    assert_eq!(page.shown(), ["echo on the server"]);
    page.is_clean();
}

#[test]
fn a_frame_can_hide_the_head_and_forbid_changes() {
    let server = server();
    let mut page = Tab::open(&server.url());
    page.line("radix create t");
    page.line("radix insert t 5 1");
    let link = page.link();
    let fragment = link.split_once('#').expect("it has one").1;
    page.goto(&format!("{}?embed&noedit#{fragment}", server.url()));
    assert_eq!(
        page.eval("document.querySelector('.head').checkVisibility()"),
        false
    );
    assert_eq!(
        page.eval("document.querySelector('#console-input').disabled"),
        true
    );
    page.seek(1);
    // Neither the keyboard nor the examples change anything.
    page.eval("document.querySelector('.example')?.click()");
    page.paste(&["echo no\n".to_string()]);
    page.wait("document.querySelector('.note.error')?.textContent.includes('takes no lines')");
    assert_eq!(page.state("steps"), "2");
    page.goto(&format!("{}?embed#{fragment}", server.url()));
    page.line("echo yes");
    assert_eq!(page.state("steps"), "3");
    page.is_clean();
}

/// A copy of the page in a subfolder of a plain web host, in a frame, and then no host at all.
#[test]
fn without_a_network_everything_works() {
    let settings = Settings::find();
    let dist = settings.dist().expect("the page is built");
    let folder = dist.parent().expect("it is in a folder").to_path_buf();
    let name = dist
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let site = Site::serve(folder).expect("loopback can be listened on");
    let browser = Browser::launch(&settings).expect("chromium starts");
    let mut page = Tab {
        page: Page { browser },
    };
    page.browser.goto(&site.url()).expect("the site is there");
    page.eval(&format!(
        "document.body.append(Object.assign(document.createElement('iframe'),
            {{src: '{name}/index.html?embed', width: 900, height: 600}}))"
    ));
    page.wait("frames[0]?.document.documentElement.dataset.live === '1'");
    page.eval("frames[0].navigator.serviceWorker.ready.then(() => true)");
    page.wait("frames[0].navigator.serviceWorker.controller?.state === 'activated'");
    // Every file of the page is there, whole.
    let missing = page.eval(
        "(async () => {
            const cache = await caches.open('glass');
            return (await cache.keys()).length;
        })()",
    );
    assert!(
        missing.as_u64().is_some_and(|count| count > 8),
        "{missing} files are kept"
    );
    let url = format!("{}{name}/", site.url());
    drop(site);

    page.eval("frames[0].location.reload(), frames[0].isOld = true");
    page.wait("!frames[0].isOld && frames[0]?.document.documentElement?.dataset.live === '1'");
    page.goto(&format!("{url}index.html"));
    page.goto(&url);
    page.line("echo alone");
    // A kernel that is stopped starts again, from files that no one serves.
    page.eval(
        "(input => { const data = new DataTransfer();
            data.setData('text', 'radix create t; radix fill t 0 200000 3\\n'.repeat(50));
            input.dispatchEvent(new ClipboardEvent('paste',
                {clipboardData: data, bubbles: true, cancelable: true})); })
        (document.querySelector('#console-input'))",
    );
    page.wait("document.querySelector('#stop, #restart')");
    page.eval("document.querySelector('#stop')?.click()");
    page.wait("document.querySelector('#restart')");
    page.click("#restart");
    page.wait(
        "!document.querySelector('#restart') && document.documentElement.dataset.live === '1'",
    );
    page.reload();
    // How many lines ran before the stop depends on the machine; the console draws those around
    // the present.
    page.press("Home", 1);
    page.step_is(0);
    assert_eq!(page.shown()[0], "echo alone");
    let exceptions = page.browser.console().expect("the browser lives");
    let exceptions: Vec<_> = exceptions
        .iter()
        .filter(|line| line.level == "exception")
        .collect();
    assert!(exceptions.is_empty(), "{exceptions:#?}");
}

/// A new version of the page is fetched beside the old one, and takes over at the next load.
#[test]
fn a_new_version_takes_over_whole() {
    let settings = Settings::find();
    let folder = Folder::new("versions");
    copy(&settings.dist().expect("the page is built"), &folder.0);
    let site = Site::serve(folder.0.clone()).expect("loopback can be listened on");
    let url = format!("{}index.html", site.url());
    let mut page = Tab::open(&url);
    page.wait("navigator.serviceWorker.controller?.state === 'activated'");
    page.line("echo before");

    // Tomorrow's page has another title, and the list of files says so.
    let index = fs::read_to_string(folder.0.join("index.html")).expect("it is there");
    let index = index.replace("<title>", "<title>Tomorrow's ");
    let hash = page.text(&format!(
        "crypto.subtle.digest('SHA-256', new TextEncoder().encode({})).then(hash =>
            btoa(String.fromCharCode(...new Uint8Array(hash, 0, 9))))",
        json!(index)
    ));
    let worker = fs::read_to_string(folder.0.join("sw.js")).expect("it is there");
    let entry = worker
        .split("['index.html', '")
        .nth(1)
        .expect("it is listed");
    let old = entry.split('\'').next().expect("with its hash");
    fs::write(folder.0.join("sw.js"), worker.replace(old, &hash)).expect("the folder is ours");
    fs::write(folder.0.join("index.html"), index).expect("the folder is ours");

    page.reload();
    assert_eq!(
        page.text("document.title"),
        "Glass Kernel",
        "it changed under a tab"
    );
    page.wait("document.querySelector('#update')");
    page.reload();
    page.wait(&format!(
        "document.title === \"Tomorrow's Glass Kernel\" && {LIVE}"
    ));
    assert_eq!(page.shown(), ["echo before"]);
    page.is_clean();
}

/// Copies a folder.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).expect("the temporary folder can be written");
    for entry in fs::read_dir(from).expect("it is a folder").flatten() {
        let (path, copy_of) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copy_of);
        } else {
            fs::copy(&path, &copy_of).expect("the folder is ours");
        }
    }
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Tab,
    Renderer,
    Browser,
    Server,
    Guest,
}

/// A class's worst day: lines come in bunches, and at a random moment something dies. Whatever the
/// console showed with its output must be there afterwards, and the page goes on.
#[test]
fn whatever_is_killed_nothing_that_was_shown_is_lost() {
    let seed = std::env::var("GLASS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(1, |now| now.as_millis() as u64)
    });
    println!("GLASS_SEED={seed}");
    let mut random = Random::new(seed);
    let settings = Settings::find();
    let mut server = server();
    let address = server.address().to_string();
    let url = server.url();
    let profile = Profile::fresh();
    let began = Instant::now();
    let launch = || Browser::launch_in(&settings, &profile).expect("chromium starts");
    let mut page = Tab {
        page: Page { browser: launch() },
    };
    page.goto(&url);
    page.line("radix create t");
    let mut sure = page.shown();
    let mut number = 0;
    let mut rounds = vec![
        Victim::Tab,
        Victim::Renderer,
        Victim::Browser,
        Victim::Server,
        Victim::Guest,
        Victim::Tab,
        Victim::Renderer,
        Victim::Browser,
        Victim::Server,
    ];
    for index in (1..rounds.len()).rev() {
        rounds.swap(index, random.below(index as u64 + 1) as usize);
    }
    for victim in rounds {
        let host = match victim {
            Victim::Guest => "qemu",
            Victim::Server => "native",
            _ => *random.pick(&["wasm", "wasm", "native"]),
        };
        page.wait(&format!(
            "!document.querySelector('#host option[value={host}]').disabled"
        ));
        page.eval(&format!(
            "(s => {{ s.value = '{host}'; s.dispatchEvent(new Event('change', {{bubbles: true}})); }})
                (document.querySelector('#host'))"
        ));
        page.wait(&format!(
            "!document.querySelector('#step-slider').disabled && {LIVE}"
        ));
        assert_eq!(page.state("steps"), sure.len().to_string());

        // Some lines one by one, and a bunch that is still running when the blow falls.
        let mut line = || {
            number += 1;
            format!("radix insert t {} {number}", number * 7)
        };
        for _ in 0..random.below(3) {
            sure.push(line());
            page.line(&sure[sure.len() - 1]);
        }
        let count = 1 + random.below(600) as usize;
        let bunch: Vec<String> = (0..count).map(|_| line() + "\n").collect();
        page.paste(&bunch);
        std::thread::sleep(Duration::from_millis(random.below(250)));
        let shown = page.last_shown().max(sure.len());
        let tab = page.browser.tab().clone();
        match victim {
            Victim::Tab => {
                page.browser.close_tab().expect("chromium can");
                page.browser.open_tab().expect("chromium can");
            }
            Victim::Renderer => {
                let killed = page.browser.renderers().expect("chromium can");
                for renderer in &killed {
                    // One that has ended meanwhile needs no signal.
                    let _ = signal(*renderer, "KILL");
                }
                // A new tab must not be given one of the dead.
                while let Ok(alive) = page.browser.renderers()
                    && alive.iter().any(|renderer| killed.contains(renderer))
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
                page.browser.open_tab().expect("chromium can");
            }
            Victim::Browser => {
                // Chromium notes that a site has stored something within half a minute; one that
                // is killed before that takes a new site's storage for rubbish at its next start.
                std::thread::sleep(Duration::from_secs(35).saturating_sub(began.elapsed()));
                page.browser.kill();
                page = Tab {
                    page: Page { browser: launch() },
                };
            }
            Victim::Server => {
                server.kill();
                page.wait("document.querySelector('#restart')");
                server = Server::start(&settings, &["--addr", &address]).expect("the port is free");
            }
            Victim::Guest => {
                for guest in children_of(server.id()) {
                    signal(guest, "KILL").expect("it lives");
                }
                page.wait("document.querySelector('#restart')");
            }
        }
        if matches!(victim, Victim::Server | Victim::Guest) {
            page.click("#restart");
            page.wait(&format!("!document.querySelector('#restart') && {LIVE}"));
            if page.eval("!!document.querySelector('#rerun')") == true {
                page.click("#rerun");
            }
            page.wait(&format!("!document.querySelector('#rerun') && {LIVE}"));
        } else {
            assert_ne!(page.browser.tab(), &tab);
            page.browser.goto(&url).expect("the page is there");
            page.wait(LIVE);
        }
        page.wait(&format!(
            "document.querySelector('#state-line').dataset.steps >= {shown} && {LIVE}"
        ));
        let now = log_of(&mut page);
        println!(
            "{victim:?} on {host}: {} lines were sure, {} of {count} more were shown, {} are there",
            sure.len(),
            shown - sure.len(),
            now.len() - sure.len()
        );
        // What came besides is what was on its way, in its order.
        let sent = bunch.iter().map(|line| line.trim_end().to_string());
        let all: Vec<String> = sure.iter().cloned().chain(sent).collect();
        assert!(
            now.len() >= shown,
            "{} of {shown} lines are there",
            now.len()
        );
        assert!(all.starts_with(&now), "{now:#?} is no part of {all:#?}");
        sure = now;
        page.line("radix stat t");
        sure.push("radix stat t".to_string());
    }
}

/// All lines of the log, from its text.
fn log_of(page: &mut Tab) -> Vec<String> {
    page.click("#log");
    page.wait("document.querySelector('#log-text')?.value");
    let text = page.text("document.querySelector('#log-text').value");
    page.click("#sessions-close");
    page.wait("!document.querySelector('#sessions-dialog').open");
    text.lines().skip(1).map(str::to_string).collect()
}
