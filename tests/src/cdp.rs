//! A headless Chromium with one tab, driven by the Chrome DevTools Protocol.
//!
//! The browser is asked to speak the protocol on its file descriptors 3 and 4, which a line of
//! shell joins to its standard streams: no port to find, and a browser whose harness has gone away
//! ends by itself. Each message is JSON ended by a zero byte. The browser's answers come in any
//! order and between them events; those that tell of trouble in the page are kept, so that a test
//! can demand that there was none.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::host::bytes_of_base64;
use crate::{Settings, child::Child};

/// How long the browser may take for one answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of a browser's memory: cookies, databases, caches. Dropping it removes the folder.
#[derive(Debug)]
pub struct Profile(PathBuf);

impl Profile {
    /// A fresh one. The folder comes with its first browser.
    pub fn fresh() -> Profile {
        static PROFILES: AtomicU32 = AtomicU32::new(0);
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("glass-chromium-{}-{number}", std::process::id());
        Profile(std::env::temp_dir().join(name))
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // A process of the browser may write its last while the folder is being removed.
        for _ in 0..20 {
            if fs::remove_dir_all(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// One tab of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    target: String,
    session: String,
}

/// A browser and the tab that is driven. Dropping it closes the browser.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    /// Removed with the browser, unless it is someone else's.
    _profile: Option<Profile>,
    received: Vec<u8>,
    last_id: u64,
    tab: Tab,
    /// The sessions of the page's workers, in the order in which they started.
    workers: Vec<String>,
    console: Vec<ConsoleLine>,
    /// The addresses that the pages and their workers asked for.
    requests: Vec<String>,
}

/// Something that appeared in the browser's console: a log call, an uncaught exception, a failed
/// request, a violation of the content security policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleLine {
    /// `error`, `warning`, `log`, ... or `exception`.
    pub level: String,
    /// The message.
    pub text: String,
}

impl Browser {
    /// Starts a browser with a fresh profile and an empty tab.
    pub fn launch(settings: &Settings) -> Result<Browser, String> {
        let profile = Profile::fresh();
        let mut browser = Browser::launch_in(settings, &profile)?;
        browser._profile = Some(profile);
        Ok(browser)
    }

    /// Starts a browser with a profile that outlives it, and an empty tab. One at a time may have
    /// a profile.
    pub fn launch_in(settings: &Settings, profile: &Profile) -> Result<Browser, String> {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"])
            .arg(settings.chromium()?)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
            ])
            .args([
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1280,900",
            ])
            // Everything is on loopback; a proxy from the environment would be in the way.
            .arg("--no-proxy-server")
            .arg(format!("--user-data-dir={}", profile.0.display()))
            .arg("about:blank");
        let child = Child::start(&mut command)?.called("chromium");
        let mut browser = Browser {
            child,
            _profile: None,
            received: Vec::new(),
            last_id: 0,
            tab: Tab {
                target: String::new(),
                session: String::new(),
            },
            workers: Vec::new(),
            console: Vec::new(),
            requests: Vec::new(),
        };
        browser.open_tab()?;
        Ok(browser)
    }

    /// Opens an empty tab, which is driven from now on; returns it.
    pub fn open_tab(&mut self) -> Result<Tab, String> {
        let tab = self.call_browser("Target.createTarget", json!({"url": "about:blank"}))?;
        let target = tab["targetId"].as_str().unwrap_or_default().to_string();
        let attached = self.call_browser(
            "Target.attachToTarget",
            json!({"targetId": target, "flatten": true}),
        )?;
        let session = attached["sessionId"].as_str().unwrap_or_default();
        self.tab = Tab {
            target,
            session: session.to_string(),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}))?;
        }
        // Workers have consoles of their own.
        let workers = json!({"autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true});
        self.call("Target.setAutoAttach", workers)?;
        Ok(self.tab.clone())
    }

    /// The tab that is driven.
    pub fn tab(&self) -> &Tab {
        &self.tab
    }

    /// Drives another tab from now on.
    pub fn turn_to(&mut self, tab: &Tab) -> Result<(), String> {
        self.tab = tab.clone();
        self.call("Page.bringToFront", json!({})).map(drop)
    }

    /// Closes the tab that is driven, without asking its page. Open another one to go on.
    pub fn close_tab(&mut self) -> Result<(), String> {
        let target = json!({"targetId": self.tab.target});
        self.call_browser("Target.closeTarget", target).map(drop)
    }

    /// The process ids of the browser's renderers.
    pub fn renderers(&mut self) -> Result<Vec<u32>, String> {
        let reply = self.call_browser("SystemInfo.getProcessInfo", json!({}))?;
        let processes = reply["processInfo"].as_array().into_iter().flatten();
        let renderers = processes.filter(|process| process["type"] == "renderer");
        Ok(renderers
            .filter_map(|process| process["id"].as_u64())
            .map(|id| id as u32)
            .collect())
    }

    /// Ends the browser at once, as a crash would. Nothing can be asked of it any more.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// Goes to `url` and waits for its load event.
    pub fn goto(&mut self, url: &str) -> Result<(), String> {
        let reply = self.call("Page.navigate", json!({"url": url}))?;
        if let Some(error) = reply["errorText"].as_str() {
            return Err(format!("cannot open {url}: {error}"));
        }
        self.wait_for("document.readyState === 'complete'")
    }

    /// The value of a JavaScript expression in the page; a promise is awaited.
    ///
    /// # Errors
    /// When the expression throws, the promise is rejected, or neither comes in time.
    pub fn eval(&mut self, expression: &str) -> Result<Value, String> {
        let parameters = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true
        });
        let mut reply = self.call("Runtime.evaluate", parameters)?;
        match reply.get("exceptionDetails") {
            Some(details) => Err(exception_text(details)),
            None => Ok(reply["result"]["value"].take()),
        }
    }

    /// The value of an expression as text.
    pub fn text(&mut self, expression: &str) -> Result<String, String> {
        match self.eval(expression)? {
            Value::String(text) => Ok(text),
            other => Ok(other.to_string()),
        }
    }

    /// Waits until a JavaScript expression is true.
    pub fn wait_for(&mut self, expression: &str) -> Result<(), String> {
        self.wait_at_most(Duration::from_secs(20), expression)
    }

    /// Waits until a JavaScript expression is true, but no longer than `patience`.
    pub fn wait_at_most(&mut self, patience: Duration, expression: &str) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        loop {
            // A navigation ends the evaluation with an error; the next try finds the new page.
            let result = self.eval(&format!("!!({expression})"));
            if result == Ok(Value::Bool(true)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(match result {
                    Ok(_) => format!("after {patience:?} it does not hold that {expression}"),
                    Err(error) => format!("{expression}: {error}"),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types text into whatever has the focus, one key event a character.
    pub fn type_text(&mut self, text: &str) -> Result<(), String> {
        for character in text.chars() {
            let text = character.to_string();
            self.key_event("keyDown", json!({"key": text, "text": text}))?;
            self.key_event("keyUp", json!({"key": text}))?;
        }
        Ok(())
    }

    /// Presses one key by the name that JavaScript gives it: `Enter`, `Tab`, `ArrowLeft`, ...
    pub fn press(&mut self, key: &str) -> Result<(), String> {
        self.press_with(key, 0)
    }

    /// Presses one key with modifiers: 1 Alt, 2 Ctrl, 4 Meta, 8 Shift.
    pub fn press_with(&mut self, key: &str, modifiers: u8) -> Result<(), String> {
        let code = match key {
            "Backspace" => 8,
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            " " => 32,
            "PageUp" => 33,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => u32::from(key.to_uppercase().bytes().next().unwrap_or(0)),
        };
        let name = if key == " " { "Space" } else { key };
        let mut down = json!({
            "key": key, "code": name, "windowsVirtualKeyCode": code, "modifiers": modifiers
        });
        let up = down.clone();
        match key {
            "Enter" => down["text"] = json!("\r"),
            _ if key.chars().count() == 1 && modifiers & 7 == 0 => down["text"] = json!(key),
            _ => {}
        }
        self.key_event("keyDown", down)?;
        self.key_event("keyUp", up)
    }

    fn key_event(&mut self, kind: &str, mut event: Value) -> Result<(), String> {
        event["type"] = json!(kind);
        self.call("Input.dispatchKeyEvent", event).map(drop)
    }

    /// Clicks with the mouse on the middle of the first element that `selector` names.
    pub fn click(&mut self, selector: &str) -> Result<(), String> {
        let quoted = json!(selector);
        let place = self.eval(&format!(
            "(() => {{ const e = document.querySelector({quoted}); if (!e) return null;
               e.scrollIntoView({{block: 'center', inline: 'center'}});
               const b = e.getBoundingClientRect();
               return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        ))?;
        let [Some(x), Some(y)] = [place[0].as_f64(), place[1].as_f64()] else {
            return Err(format!("there is no {selector} to click on"));
        };
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Gives the tab another size, as a phone or a window would have.
    pub fn resize(&mut self, width: u32, height: u32, mobile: bool) -> Result<(), String> {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .map(drop)
    }

    /// Makes the page believe that the user prefers the `dark` or the `light` scheme.
    pub fn prefer_scheme(&mut self, scheme: &str) -> Result<(), String> {
        self.prefer(&[("prefers-color-scheme", scheme)])
    }

    /// Makes the page believe that the user prefers these, and nothing else: media features and values.
    pub fn prefer(&mut self, features: &[(&str, &str)]) -> Result<(), String> {
        let features = features.iter();
        let features = features.map(|(name, value)| json!({"name": name, "value": value}));
        let features = json!({"features": features.collect::<Vec<_>>()});
        self.call("Emulation.setEmulatedMedia", features).map(drop)
    }

    /// A picture of the tab, as a PNG.
    pub fn screenshot(&mut self) -> Result<Vec<u8>, String> {
        let reply = self.call("Page.captureScreenshot", json!({"format": "png"}))?;
        bytes_of_base64(reply["data"].as_str().unwrap_or_default())
    }

    /// What appeared in the console of the page and of its workers so far.
    pub fn console(&mut self) -> Result<&[ConsoleLine], String> {
        // A round trip, so that all that happened before it has been received.
        self.eval("0")?;
        Ok(&self.console)
    }

    /// What appeared in the console that should not appear in a page that works: errors,
    /// exceptions and warnings.
    pub fn trouble(&mut self) -> Result<Vec<ConsoleLine>, String> {
        let bad = |line: &&ConsoleLine| {
            matches!(
                line.level.as_str(),
                "error" | "exception" | "warning" | "assert"
            )
        };
        Ok(self.console()?.iter().filter(bad).cloned().collect())
    }

    /// Forgets what appeared in the console.
    pub fn clear_console(&mut self) -> Result<(), String> {
        self.console()?;
        self.console.clear();
        Ok(())
    }

    /// What the pages and their workers asked for so far, whether it came from the network, a cache or
    /// the page itself.
    pub fn requests(&mut self) -> Result<&[String], String> {
        // A round trip, so that all that happened before it has been received.
        self.eval("0")?;
        Ok(&self.requests)
    }

    /// The browser's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Calls any method of the protocol on the tab.
    pub fn call(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        let session = self.tab.session.clone();
        self.call_on(&session, method, parameters)
    }

    /// Calls a method of the protocol on the browser itself.
    pub fn call_browser(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        self.call_on("", method, parameters)
    }

    /// Calls a method on the tab and on each of its workers.
    pub fn call_everywhere(
        &mut self,
        method: &str,
        parameters: &Value,
    ) -> Result<Vec<Value>, String> {
        // A round trip, so that all that happened before it has been received.
        self.eval("0")?;
        let tab = [self.tab.session.clone()];
        tab.into_iter()
            .chain(self.workers.clone())
            .map(|session| self.call_on(&session, method, parameters.clone()))
            .collect()
    }

    fn call_on(&mut self, session: &str, method: &str, parameters: Value) -> Result<Value, String> {
        let id = self.send(method, parameters, session);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut message = self
                .receive(deadline)
                .map_err(|error| format!("{method}: {error}"))?;
            if message["id"] != id {
                self.note(&message);
                continue;
            }
            return match message.get("error") {
                Some(error) => Err(format!(
                    "{method}: {}",
                    error["message"].as_str().unwrap_or("?")
                )),
                None => Ok(message["result"].take()),
            };
        }
    }

    fn send(&mut self, method: &str, parameters: Value, session: &str) -> u64 {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": parameters});
        if !session.is_empty() {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.child.write(bytes);
        self.last_id
    }

    fn receive(&mut self, deadline: Instant) -> Result<Value, String> {
        let mut searched = 0;
        loop {
            if let Some(length) = self.received[searched..].iter().position(|byte| *byte == 0) {
                let rest = self.received.split_off(searched + length + 1);
                let message = std::mem::replace(&mut self.received, rest);
                return serde_json::from_slice(&message[..message.len() - 1])
                    .map_err(|error| format!("chromium wrote malformed JSON: {error}"));
            }
            searched = self.received.len();
            match self.child.read(deadline)? {
                Some(bytes) => self.received.extend(bytes),
                None => return Err(self.child.epitaph()),
            }
        }
    }

    /// Keeps an event that belongs in the console, and opens the console of a new worker.
    fn note(&mut self, message: &Value) {
        let event = &message["params"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let line = match message["method"].as_str() {
            Some("Target.attachedToTarget") => {
                let worker = text(&event["sessionId"]);
                for method in ["Runtime.enable", "Log.enable", "Network.enable"] {
                    self.send(method, json!({}), &worker);
                }
                if event["targetInfo"]["type"] == "worker" {
                    self.workers.push(worker);
                }
                return;
            }
            Some("Target.detachedFromTarget") => {
                let gone = text(&event["sessionId"]);
                self.workers.retain(|worker| *worker != gone);
                return;
            }
            Some("Network.requestWillBeSent") => {
                self.requests.push(text(&event["request"]["url"]));
                return;
            }
            Some("Runtime.consoleAPICalled") => {
                let words = event["args"].as_array().into_iter().flatten().map(|value| {
                    let shown = value
                        .get("value")
                        .or(value.get("description"))
                        .unwrap_or(value);
                    shown
                        .as_str()
                        .map_or_else(|| shown.to_string(), str::to_string)
                });
                let words: Vec<String> = words.collect();
                ConsoleLine {
                    level: text(&event["type"]),
                    text: words.join(" "),
                }
            }
            Some("Runtime.exceptionThrown") => ConsoleLine {
                level: "exception".to_string(),
                text: exception_text(&event["exceptionDetails"]),
            },
            Some("Log.entryAdded") => {
                let entry = &event["entry"];
                let text = format!("{} {}", text(&entry["text"]), text(&entry["url"]));
                ConsoleLine {
                    level: entry["level"].as_str().unwrap_or_default().to_string(),
                    text,
                }
            }
            _ => return,
        };
        self.console.push(line);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the pipe ends the browser and all its processes; a kill would orphan some.
        self.child.close_input();
        if self.child.wait(Duration::from_secs(5)).is_err() {
            self.child.kill();
        }
    }
}

fn exception_text(details: &Value) -> String {
    let description = details["exception"]["description"].as_str();
    let value = details["exception"]["value"].as_str();
    let text = details["text"].as_str();
    description
        .or(value)
        .or(text)
        .unwrap_or("an exception without a text")
        .to_string()
}
