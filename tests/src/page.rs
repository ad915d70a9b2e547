//! The page in a test's browser, and what every test of it does there.
//!
//! What a test needs besides it adds around a [`Page`]. Whatever fails here ends the test, with what
//! the page and the browser's console had to say.

use serde_json::Value;

use crate::Settings;
use crate::cdp::Browser;

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

    /// Presses a key, with modifiers as [`Browser::press_with`] counts them.
    #[track_caller]
    pub fn press(&mut self, key: &str, modifiers: u8) {
        self.browser
            .press_with(key, modifiers)
            .unwrap_or_else(|error| panic!("{error}"));
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

    /// Nothing that a working page does appears in the browser's console.
    #[track_caller]
    pub fn is_clean(&mut self) {
        let trouble = self.browser.trouble().expect("the browser lives");
        assert!(trouble.is_empty(), "{trouble:#?}");
    }
}
