//! What a file of callbacks may not say.
//!
//! Some words make the compiler read other files or the environment, and put what it reads into the
//! module or into its messages. None of them can be put together from pieces, renamed without being
//! named, or hidden in a macro: on a stable compiler a macro only copies words that stand somewhere.
//! So it is enough to look at each word once, as the compiler's own tokenizer tells them from strings
//! and comments.

use kernel_core::module::Kind;
use proc_macro2::{TokenStream, TokenTree};

use crate::Refusal;

/// Words that callbacks have no use for, and why they are refused.
const FORBIDDEN: [(&str, &str); 12] = [
    ("include", READS),
    ("include_str", READS),
    ("include_bytes", READS),
    ("env", READS),
    ("option_env", READS),
    ("mod", "everything goes into this one file, without `mod`"),
    (
        "extern",
        "callbacks have `core` and `glass`, and no other crate",
    ),
    ("unsafe", UNSAFE),
    ("asm", UNSAFE),
    ("global_asm", UNSAFE),
    ("naked_asm", UNSAFE),
    ("feature", "callbacks are written in plain stable Rust"),
];

const READS: &str = "this would read another file or the environment while it is compiled";
const UNSAFE: &str = "the kernel is written in safe Rust, and so are its callbacks";

/// How deep brackets may be nested.
const DEPTH_MAX: u32 = 64;

/// Looks at every word of a file.
///
/// # Errors
/// The first that is forbidden, with its line; or that the text has no tokens, as the compiler will
/// say better.
pub fn scan(source: &str) -> Result<(), Refusal> {
    let tokens: TokenStream = source.parse().map_err(|error: proc_macro2::LexError| {
        Refusal::Forbidden(
            error.span().start().line as u32,
            "this is no Rust: a bracket, a string or a comment is not closed".to_string(),
        )
    })?;
    scan_stream(tokens, 0)
}

fn scan_stream(tokens: TokenStream, depth: u32) -> Result<(), Refusal> {
    for token in tokens {
        match token {
            // This function calls itself, and so does the compiler.
            TokenTree::Group(group) if depth == DEPTH_MAX => {
                let line = group.span_open().start().line as u32;
                let sentence = format!("brackets are nested more than {DEPTH_MAX} deep");
                return Err(Refusal::Forbidden(line, sentence));
            }
            TokenTree::Group(group) => scan_stream(group.stream(), depth + 1)?,
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let plain = word.trim_start_matches("r#");
                let found = FORBIDDEN.iter().find(|(known, _)| *known == plain);
                if let Some((word, why)) = found {
                    let line = ident.span().start().line as u32;
                    return Err(Refusal::Forbidden(line, format!("`{word}`: {why}")));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    Ok(())
}

/// Which callbacks a file has: those of the first trait that it implements of the four. A file that
/// implements none is compiled as one for a cache, and the compiler says what it lacks.
pub fn kind_of(source: &str) -> Kind {
    let tokens: TokenStream = source.parse().unwrap_or_default();
    let words = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    });
    let words: Vec<String> = words.collect();
    // `impl glass::ProcFile for Ops`: the trait is the word before `for`.
    let traits = words.windows(2).filter(|pair| pair[1] == "for");
    let mut kinds = traits.filter_map(|pair| match pair[0].as_str() {
        "CacheOps" => Some(Kind::Slab),
        "ContainerSubsystem" => Some(Kind::Subsystem),
        "ProcFile" => Some(Kind::ProcFile),
        "OomPolicy" => Some(Kind::OomPolicy),
        _ => None,
    });
    kinds.next().unwrap_or(Kind::Slab)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(source: &str, line: u32) {
        match scan(source) {
            Err(Refusal::Forbidden(found, _)) => assert_eq!(found, line, "{source}"),
            other => panic!("{source}: {other:?}"),
        }
    }

    #[test]
    fn what_reaches_outside_is_refused_wherever_it_stands() {
        for source in [
            "const X: &str = include_str!(\"/etc/passwd\");",
            "const X: &[u8] = core::include_bytes ! (\"/etc/passwd\");",
            "use core::include_str as harmless;",
            "const X: &str = r#include_str!(\"/etc/passwd\");",
            "const X: &str = env!(\"HOME\");",
            "const X: Option<&str> = option_env!(\"HOME\");",
            "include /* a comment */ !(\"/etc/passwd\");",
            "#[doc = include_str!(\"/etc/passwd\")] struct Ops;",
            "compile_error!(include_str!(\"/etc/passwd\"));",
            "mod secrets;",
            "macro_rules! m { ($a:tt $b:tt $c:tt) => { $a $b ; } } m!(mod x {});",
            "macro_rules! m { ($i:ident) => { $i!(\"/etc/passwd\") } } m!(include_str);",
            "extern crate std;",
            "extern \"C\" { fn getenv(); }",
            "fn f() { unsafe { core::hint::unreachable_unchecked() } }",
            "core::arch::asm!(\"nop\");",
            "#[unsafe(no_mangle)] fn call() {}",
            "#![feature(concat_idents)]",
        ] {
            refused(source, 1);
            refused(&format!("//! Mine.\n\n{source}"), 3);
        }
    }

    #[test]
    fn the_kind_is_told_by_the_trait() {
        let kinds = [
            ("impl CacheOps for Ops {}", Kind::Slab),
            (
                "struct Ops; impl glass::ContainerSubsystem for Ops {}",
                Kind::Subsystem,
            ),
            (
                "impl Copy for Ops {} impl ProcFile for Ops { }",
                Kind::ProcFile,
            ),
            (
                "/* impl ProcFile for Ops */ fn f() { for x in y {} }",
                Kind::Slab,
            ),
            ("impl ProcFile for Ops", Kind::ProcFile),
            ("impl OomPolicy for Ops {}", Kind::OomPolicy),
            ("(", Kind::Slab),
        ];
        for (source, kind) in kinds {
            assert_eq!(kind_of(source), kind, "{source}");
        }
    }

    #[test]
    fn words_in_comments_and_strings_are_nobodys_business() {
        let source = "/* include_str!(\"x\") /* mod */ env!() */ // unsafe\n\
                      const X: &str = \"include!\"; const Y: &str = r#\"mod \"extern\" \"#;\n\
                      fn f(x: &str) -> char { 'e' }";
        assert_eq!(scan(source), Ok(()));
    }

    #[test]
    fn what_is_no_rust_is_told_with_its_line() {
        refused("fn f() {}\nfn g( {", 2);
        refused("const X: &str = \"", 1);
        refused(&format!("\n{}", "(".repeat(100_000)), 2);
    }

    #[test]
    fn brackets_are_counted_where_they_are_brackets() {
        let nested = |open: &str, depth: usize| {
            format!("fn f() {{\n{}{}}}", open.repeat(depth), ")".repeat(depth))
        };
        assert_eq!(scan(&nested("(", 63)), Ok(()));
        refused(&nested("(", 64), 2);
        // A bracket in a comment closes nothing,
        refused(&nested("(/*)*/", 10_000), 2);
        // and opens nothing.
        assert_eq!(scan(&"// :( [({\n".repeat(100)), Ok(()));
    }
}
