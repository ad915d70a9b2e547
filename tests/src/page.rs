//! The page in a test's browser, and what every test of it does there.
//!
//! What a test needs besides it adds around a [`Page`]. Whatever fails here ends the test, with what
//! the page and the browser's console had to say.

use std::fs;
use std::ops::{Deref, DerefMut};

use serde_json::Value;

use crate::cdp::Browser;
use crate::server::Server;
use crate::{Settings, travel};

/// The page, in a browser of its own.
pub struct Page {
    /// The browser.
    pub browser: Browser,
}

impl Page {
    /// A browser that shows no page yet.
    #[track_caller]
    pub fn launch(settings: &Settings) -> Page {
        let browser = Browser::launch(settings).expect("chromium starts");
        Page { browser }
    }

    /// Goes to `url` and waits until a kernel lives there.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        self.browser.goto(url).expect("the page is there");
        self.wait("document.documentElement.dataset.live === '1'");
    }

    /// Waits until an expression holds.
    #[track_caller]
    pub fn wait(&mut self, expression: &str) {
        if let Err(error) = self.browser.wait_for(expression) {
            let trouble = self.browser.trouble();
            let text = self.browser.text("document.body.innerText");
            panic!("{error}\npage: {text:?}\nconsole: {trouble:?}");
        }
    }

    /// Waits until the kernel owes no answer.
    #[track_caller]
    pub fn settle(&mut self) {
        self.wait("document.querySelector('#console-input').dataset.busy === 'false'");
    }

    /// The value of an expression.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        self.browser
            .eval(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The value of an expression as text.
    #[track_caller]
    pub fn text(&mut self, expression: &str) -> String {
        self.browser
            .text(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// A data attribute of the line of state.
    #[track_caller]
    pub fn state(&mut self, name: &str) -> String {
        self.text(&format!(
            "document.querySelector('#state-line').dataset.{name}"
        ))
    }

    /// Waits until the page shows a step and owes nothing.
    #[track_caller]
    pub fn step_is(&mut self, step: u32) {
        self.wait(&format!(
            "document.querySelector('#state-line').dataset.step === '{step}'"
        ));
        self.settle();
    }

    /// Pastes lines into the console and waits until they have run.
    #[track_caller]
    pub fn run(&mut self, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
        travel::run(&mut self.browser, &lines).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Types a line at the console and waits until it has run.
    #[track_caller]
    pub fn line(&mut self, line: &str) {
        let step = self.state("step").parse::<u32>().expect("a number");
        self.eval("document.querySelector('#console-input').focus()");
        self.type_text(line);
        self.press("Enter", 0);
        self.step_is(step + 1);
    }

    /// Types a line and returns what it printed.
    #[track_caller]
    pub fn says(&mut self, line: &str) -> String {
        self.line(line);
        self.text("document.querySelector('.entry.current .printed')?.textContent.trim() ?? ''")
    }

    /// Types text at whatever has the focus.
    #[track_caller]
    pub fn type_text(&mut self, text: &str) {
        self.browser
            .type_text(text)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Types text into a field, in place of what was there.
    #[track_caller]
    pub fn type_into(&mut self, selector: &str, text: &str) {
        self.wait(&format!("document.querySelector('{selector}')"));
        self.eval(&format!(
            "(e => {{ e.focus(); e.select(); }})(document.querySelector('{selector}'))"
        ));
        self.type_text(text);
    }

    /// Presses a key, with modifiers as [`Browser::press_with`] counts them.
    #[track_caller]
    pub fn press(&mut self, key: &str, modifiers: u8) {
        self.browser
            .press_with(key, modifiers)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Presses Alt and a letter, which asks the page something.
    #[track_caller]
    pub fn ask(&mut self, letter: char) {
        let code = format!("Key{}", letter.to_ascii_uppercase());
        self.eval(&format!(
            "document.dispatchEvent(new KeyboardEvent('keydown',
                {{key: '{letter}', code: '{code}', altKey: true, bubbles: true, cancelable: true}}))"
        ));
    }

    /// Moves the focus to an element, once it is there, and presses Enter.
    #[track_caller]
    pub fn enter(&mut self, selector: &str) {
        self.wait(&format!("document.querySelector(`{selector}`)"));
        self.eval(&format!("document.querySelector(`{selector}`).focus()"));
        self.press("Enter", 0);
    }

    /// Clicks on the middle of an element, once it is there.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let quoted = serde_json::json!(selector);
        self.wait(&format!("document.querySelector({quoted})"));
        self.browser
            .click(selector)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Brings axe-core, the judge of accessibility, into the page as it is loaded now.
    #[track_caller]
    pub fn call_the_judge(&mut self, settings: &Settings) {
        let axe = settings.axe().and_then(|file| {
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
        });
        let axe = axe.unwrap_or_else(|reason| panic!("no judge of accessibility: {reason}"));
        self.eval(&axe);
    }

    /// What the judge finds serious in the page as it is, each with where and why.
    #[track_caller]
    pub fn barriers(&mut self) -> Vec<String> {
        let found = self.eval(
            "axe.run(document, {resultTypes: ['violations']}).then(results => results.violations
                .filter(it => it.impact === 'serious' || it.impact === 'critical')
                .flatMap(it => it.nodes.map(node =>
                    `${it.id} (${it.impact}) at ${node.target.join(' ')}: ${node.failureSummary}`)))",
        );
        let found = found.as_array().cloned().unwrap_or_default();
        let texts = found.iter().map(|barrier| barrier.as_str());
        texts
            .map(|text| text.unwrap_or_default().to_string())
            .collect()
    }

    /// Nothing that a working page does appears in the browser's console.
    #[track_caller]
    pub fn is_clean(&mut self) {
        let trouble = self.browser.trouble().expect("the browser lives");
        assert!(trouble.is_empty(), "{trouble:#?}");
    }
}

/// The page, live, in a browser of its own, from a server of its own.
pub struct Lab {
    /// The page.
    pub page: Page,
    /// Where the page came from.
    pub server: Server,
}

impl Lab {
    /// Starts both and opens the page.
    #[track_caller]
    pub fn open() -> Lab {
        let settings = Settings::find();
        let server = Server::start(&settings, &[]).expect("the server starts");
        let mut page = Page::launch(&settings);
        page.open(&server.url());
        Lab { page, server }
    }
}

impl Deref for Lab {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl DerefMut for Lab {
    fn deref_mut(&mut self) -> &mut Page {
        &mut self.page
    }
}
