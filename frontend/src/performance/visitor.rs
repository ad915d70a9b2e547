//! Which browser this is, and on what.

use words::performance as say;

/// The browser's name and version out of what it says of itself. Each also claims to be those that came
/// before it, so the latest comer is looked for first.
pub fn browser(agent: &str) -> String {
    let names = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", say::headless()),
        ("Chrome/", "Chromium"),
        ("Version/", "Safari"),
    ];
    let found = names.iter().find_map(|(mark, name)| {
        let version = agent.split_once(mark)?.1;
        let major = version.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(format!("{name} {major}"))
    });
    found.unwrap_or_else(|| say::unknown_browser().to_string())
}

/// The browser and the machine in one line. Browsers may round the number of cores.
pub fn describe(agent: &str, cores: f64) -> String {
    let cores = match cores as u32 {
        0 => say::cores_unknown().to_string(),
        cores => say::cores(u64::from(cores)),
    };
    let system = agent
        .split_once('(')
        .and_then(|(_, rest)| rest.split([';', ')']).next());
    match system {
        Some(system) => format!("{}, {system}, {cores}", browser(agent)),
        None => format!("{}, {cores}", browser(agent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0";
        let safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/26.1 Safari/605.1.15";
        assert_eq!(describe(firefox, 8.0), "Firefox 145, X11, 8 cores");
        assert_eq!(describe(edge, 1.0), "Edge 142, Windows NT 10.0, 1 core");
        assert_eq!(describe(safari, 0.0), "Safari 26, Macintosh, cores unknown");
        assert_eq!(describe("", 2.0), "an unknown browser, 2 cores");
    }
}
