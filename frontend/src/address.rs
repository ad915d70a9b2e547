//! The page's address: what a link says, and how one is written.
//!
//! The fragment names what to show, and never reaches a server:
//!
//! | | |
//! |---|---|
//! | `#log=1.DATA` | a log of format 1: raw deflate in base64url |
//! | `#link=HEX` | a log that the server keeps, by the SHA-256 of its bytes |
//! | `#live=HEX` | a session that somebody shares live |
//! | `#lab=ID` | a lab |
//! | `#performance` | what the kernel costs on this machine |
//! | `#labs`, `#playground`, `#tour` | the list of labs, the examples, the tour |
//! | `#example=NAME` | an example, in a session of its own |
//! | `#glossary`, `#term=NAME` | the words of the kernel, one of them |
//! | `#search` | the search |
//! | `&step=N` | beside one of these or alone: the step to show |
//!
//! The query says how: `?embed` without the page's head and foot, `?noedit` without a way to add
//! lines, `?student=NAME&key=KEY` for whom a lab's work is handed in. Parts that are not known are
//! passed over, since other programs add their own to links; a known part that cannot be read is
//! an error.

use labs::log::is_lab_id;
use words::state as say;

/// The version of the packing in `#log=`.
const PACKING: &str = "1";

/// What an address says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// A log to show.
    pub payload: Option<Payload>,
    /// The step to show it at.
    pub step: Option<u32>,
    /// A lab to open.
    pub lab: Option<String>,
    /// Show what the kernel costs on this machine.
    pub performance: bool,
    /// Something for newcomers to show.
    pub route: Option<Route>,
    /// Show the page without its head and foot.
    pub embed: bool,
    /// Take no lines.
    pub no_edit: bool,
    /// Who hands work in.
    pub student: Option<String>,
    /// What proves that.
    pub key: Option<String>,
}

/// Where a link's log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// In the link: raw deflate in base64url.
    Log(String),
    /// At the server, under this name.
    Link(String),
    /// Somebody else's, as it is run.
    Live(String),
}

/// Where an address leads newcomers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Through the page.
    Tour,
    /// To the examples.
    Playground,
    /// To one of them.
    Example(String),
    /// To the list of labs.
    Labs,
    /// To the words.
    Glossary,
    /// To one of them.
    Term(String),
    /// To the search.
    Search,
}

impl Address {
    /// Reads a query and a fragment, each with its `?` or `#` or empty.
    ///
    /// # Errors
    /// A sentence for a person. What could be read of the query is read all the same: a broken
    /// link must not make a frame editable.
    pub fn parse(query: &str, fragment: &str) -> (Address, Result<(), String>) {
        let mut address = Address::default();
        for (key, value) in pairs(query, '?') {
            match key {
                "embed" => address.embed = value != "0",
                "noedit" => address.no_edit = value != "0",
                "student" => address.student = Some(decoded(value)),
                "key" => address.key = Some(decoded(value)),
                _ => {}
            }
        }
        let result = pairs(fragment, '#').try_for_each(|(key, value)| address.read(key, value));
        if result.is_err() {
            (address.payload, address.step, address.lab) = (None, None, None);
            address.route = None;
        }
        (address, result)
    }

    fn read(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "log" => {
                let data = value.split_once('.').map(|(version, data)| match version {
                    PACKING => Ok(data),
                    _ => Err(say::link_version(shortened(version), PACKING)),
                });
                let data = data.ok_or(say::link_no_version())??;
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                if data.is_empty() || !data.bytes().all(allowed) || data.len() % 4 == 1 {
                    return Err(say::link_changed().to_string());
                }
                self.payload = Some(Payload::Log(data.to_string()));
            }
            "link" => {
                let is_hash = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
                if !is_hash {
                    return Err(say::link_short(64));
                }
                self.payload = Some(Payload::Link(value.to_ascii_lowercase()));
            }
            "live" => {
                let is_name = value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
                if !is_name {
                    return Err(say::link_short(32));
                }
                self.payload = Some(Payload::Live(value.to_ascii_lowercase()));
            }
            "step" => {
                let step = value.parse();
                self.step = Some(step.map_err(|_| say::link_step(shortened(value)))?);
            }
            "lab" => {
                if !is_lab_id(value) {
                    return Err(say::no_lab(shortened(value)));
                }
                self.lab = Some(value.to_string());
            }
            "performance" => self.performance = true,
            "tour" => self.route = Some(Route::Tour),
            "playground" => self.route = Some(Route::Playground),
            "labs" => self.route = Some(Route::Labs),
            "glossary" => self.route = Some(Route::Glossary),
            "search" => self.route = Some(Route::Search),
            "term" => {
                if !is_lab_id(value) {
                    return Err(words::front::no_term_name(shortened(value)));
                }
                self.route = Some(Route::Term(value.to_string()));
            }
            "example" => {
                if !is_lab_id(value) {
                    return Err(words::front::no_example_name(shortened(value)));
                }
                self.route = Some(Route::Example(value.to_string()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The fragment of a link that carries its log.
pub fn of_log(packed: &str) -> String {
    format!("#log={PACKING}.{packed}")
}

/// The fragment of a link to a log that the server keeps.
pub fn of_link(id: &str) -> String {
    format!("#link={id}")
}

/// A link's fragment that names a step as well.
pub fn with_step(fragment: &str, step: u32) -> String {
    format!("{fragment}&step={step}")
}

fn pairs(text: &str, mark: char) -> impl Iterator<Item = (&str, &str)> {
    let text = text.strip_prefix(mark).unwrap_or(text);
    let words = text.split('&').filter(|word| !word.is_empty());
    words.map(|word| word.split_once('=').unwrap_or((word, "")))
}

/// The text that `%20` and its like stand for.
fn decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut text = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| value.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        text.push(match (code, bytes[at]) {
            (Some(code), _) => code,
            (None, b'+') => b' ',
            (None, byte) => byte,
        });
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A word of a message, cut to a length that a line can hold.
fn shortened(word: &str) -> String {
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(text: &str) -> Result<Address, String> {
        let (address, result) = Address::parse("", text);
        result.map(|()| address)
    }

    #[test]
    fn fragments_that_are_written_are_read() {
        let log = fragment(&with_step(&of_log("q-_0"), 7)).unwrap();
        assert_eq!(log.payload, Some(Payload::Log("q-_0".into())));
        assert_eq!(log.step, Some(7));
        let id = "0123456789abcdef".repeat(4);
        let link = fragment(&of_link(&id.to_uppercase())).unwrap();
        assert_eq!((link.payload, link.step), (Some(Payload::Link(id)), None));
        let live = fragment(&format!("#live={}", "0123456789ABCDEF".repeat(2))).unwrap();
        assert_eq!(
            live.payload,
            Some(Payload::Live("0123456789abcdef".repeat(2)))
        );
        assert_eq!(fragment("#step=3").unwrap().step, Some(3));
        assert_eq!(
            fragment("#lab=radix-keys").unwrap().lab.as_deref(),
            Some("radix-keys")
        );
        assert_eq!(fragment("#utm_source=mail&").unwrap(), Address::default());
        assert_eq!(fragment("").unwrap(), Address::default());
        assert!(fragment("#performance").unwrap().performance);
        let route = |text| fragment(text).unwrap().route.unwrap();
        assert_eq!(route("#tour"), Route::Tour);
        assert_eq!(route("#playground"), Route::Playground);
        assert_eq!(route("#labs"), Route::Labs);
        assert_eq!(route("#glossary"), Route::Glossary);
        assert_eq!(route("#term=slab"), Route::Term("slab".into()));
        assert_eq!(route("#search"), Route::Search);
        assert_eq!(
            route("#example=oom-lambs"),
            Route::Example("oom-lambs".into())
        );
    }

    #[test]
    fn broken_links_say_how() {
        let error = |text| fragment(text).unwrap_err();
        assert!(error("#log=abcd").contains("no version"));
        assert!(error("#log=2.abcd").contains("version '2'"));
        assert!(error("#log=1.ab%20").contains("cut or changed"));
        assert!(error("#log=1.abcde").contains("cut or changed"));
        assert!(error("#log=1.").contains("cut or changed"));
        assert!(error("#link=12ab").contains("64"));
        assert!(error("#live=12ab").contains("32"));
        assert!(error("#step=-1").contains("'-1'"));
        assert!(error("#lab=../x").contains("'../x'"));
        assert!(error("#example=../x").contains("'../x' is no example"));
        assert!(error("#term=").contains("'' is no term"));
        assert!(error(&format!("#step={}", "9".repeat(1000))).len() < 100);
    }

    #[test]
    fn a_broken_link_does_not_make_a_frame_editable() {
        let (address, result) = Address::parse("?embed&noedit", "#log=1.!&step=4");
        assert!(result.is_err());
        assert!(address.embed && address.no_edit);
        assert_eq!((address.payload, address.step), (None, None));
    }

    #[test]
    fn the_query_says_how_and_for_whom() {
        let (address, _) = Address::parse("?embed=1&student=Ada%20L%c3%b6ve+x&key=k%", "");
        assert!(address.embed && !address.no_edit);
        assert_eq!(address.student.as_deref(), Some("Ada Löve x"));
        assert_eq!(address.key.as_deref(), Some("k%"));
        assert!(!Address::parse("?noedit=0", "").0.no_edit);
        let (address, _) = Address::parse("?student=%e2%82", "");
        assert_eq!(address.student.as_deref(), Some("\u{fffd}"));
    }
}
