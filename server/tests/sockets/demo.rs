//! A class to look at: the logs of a demo class, graded by the real grader.

use std::path::Path;

use labs::author::{demo, read_catalogue};
use labs::lab::{file_name, to_bytes};
use server::demo::fill;
use server::grading::labs_grader;
use server::{App, Config};

use crate::site::{Site, make_page};

#[tokio::test]
async fn a_demo_class_fills_the_tables() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/catalogue");
    let mut labs = read_catalogue(&catalogue).unwrap_or_else(|problems| panic!("{problems}"));
    // Two are enough to see all ways of handing in, and quick.
    labs.retain(|authored| ["radix-keys", "radix-tags", "slab-pages"].contains(&&*authored.lab.id));
    let samples = demo::class(&labs);
    assert_eq!(demo::class(&labs), samples, "always the same");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let dist = make_page(folder.path());
    for authored in &labs {
        let lab = &authored.lab;
        std::fs::write(dist.join("labs").join(file_name(&lab.id)), to_bytes(lab))
            .expect("writable");
    }
    let file = folder.path().join("class.jsonl");
    std::fs::write(&file, demo::to_lines(&samples)).expect("writable");
    let data = folder.path().join("data");
    let config = Config {
        dist: dist.clone(),
        data: data.clone(),
        grader: labs_grader,
        ..Config::default()
    };
    let app = App::new(config.clone()).await.expect("the page is there");
    let filled = fill(&app, &file).await.expect("all of it is answered");
    assert_eq!(filled.refused, 1, "one has copied");
    assert_eq!(filled.kept, samples.len() - 1);

    // Not twice, and never into a class that is one.
    let again = fill(&app, &file).await.expect_err("somebody has handed in");
    assert!(
        again.to_string().contains("holds submissions already"),
        "{again}"
    );
    drop(app);

    let site = Site::with(|config| {
        config.dist = dist;
        config.data = data;
    })
    .await;
    let key = std::fs::read_to_string(folder.path().join("data/teacher-key")).expect("made");
    let teacher = format!("Authorization: Bearer {}", key.trim());
    let table = crate::client::http(
        site.addr,
        "GET",
        "/api/labs/radix-keys/grades.csv",
        &[&teacher],
    )
    .await;
    let rows: Vec<Vec<&str>> = table
        .text()
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect())
        .collect();
    assert_eq!(rows.len(), 8, "{}", table.text());
    let score = |name: &str| {
        let row = rows.iter().find(|row| row[0] == name).expect(name);
        assert_eq!(row[1], "yes", "{name} has a key");
        let [score, max] = [row[2], row[3]].map(|cell| cell.parse::<u32>().expect("a number"));
        (score, max)
    };
    let (best, max) = score("ada");
    assert_eq!(best, max);
    assert_eq!(score("chen").0, max, "at the second attempt");
    assert!(score("dana").0 < score("ben").0 && score("ben").0 < max);
    assert!(score("eli").0 < max, "a line is missing");
}
