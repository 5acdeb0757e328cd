//! kill -9 at any moment: what a save had, when it was over, is there when the process begins anew.

use crate::watchdog::in_time;
use bellwether::{Autosave, Cache};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the child saves; without it, the test is the parent.
const FOLDER: &str = "BELLWETHER_SNAPSHOT_FOLDER";
/// How many children are killed.
const ROUNDS: &str = "BELLWETHER_KILL_ROUNDS";
/// Keys that are written in turn, each with the number of the write.
const KEYS: u64 = 2_000;

fn build(path: &Path) -> Cache<u64, u64> {
    let autosave = Autosave::new(path)
        .every(Duration::from_millis(1))
        // All that was written before a save began is in it; what is told here is durable.
        .on_save(|saved| {
            println!("saved {}", saved.entries);
            drop(std::io::stdout().flush());
        })
        .on_error(|error| println!("broken: {error}"));
    Cache::builder().shards(3).autosave(autosave).build().expect("the settings make sense")
}

/// Writes for ever, and tells of the last number before each save that is over.
fn child(folder: &str) -> ! {
    let cache = build(&Path::new(folder).join("cache"));
    let last = cache.iter().map(|(_, number)| *number).max().unwrap_or(0);
    println!("began {last}");
    for number in last + 1.. {
        cache.insert(number % KEYS, number);
        if number % 16 == 0 {
            // One save may have begun before this write and be over after it; the one after that has the write.
            println!("wrote {number} {}", cache.metrics().autosaves);
        }
    }
    unreachable!("numbers don't end")
}

/// What a child has told.
#[derive(Default)]
struct Told {
    began: u64,
    /// Numbers that were written, with how many saves were over by then.
    wrote: Vec<(u64, u64)>,
    saves: u64,
    broken: Vec<String>,
}

fn listen(child: &mut Child, lines_until_the_end: usize) -> Told {
    let mut told = Told::default();
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut lines = 0;
    for line in output.lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        lines += 1;
        if lines == lines_until_the_end {
            child.kill().expect("it runs");
        }
        match words[..] {
            ["began", last] => told.began = last.parse().expect("a number"),
            // The last line may be cut, and then says a smaller number of writes.
            ["wrote", number, saves] => told.wrote.extend(number.parse().ok().zip(saves.parse().ok())),
            ["saved", _] => told.saves += 1,
            ["broken:", ..] => told.broken.push(line),
            _ => {}
        }
    }
    told
}

#[test]
fn g18_nothing_that_was_saved_is_lost_when_it_is_killed() {
    if let Ok(folder) = std::env::var(FOLDER) {
        child(&folder);
    }
    in_time(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let rounds: u32 = std::env::var(ROUNDS).map_or(10, |rounds| rounds.parse().expect("a number of rounds"));
        let own = std::env::current_exe().expect("tests are files");
        let path = format!(
            "{}::g18_nothing_that_was_saved_is_lost_when_it_is_killed",
            module_path!().split_once("::").expect("inside the crate").1
        );
        let (mut durable, mut saves) = (0, 0);
        for round in 0..rounds {
            let mut child = Command::new(&own)
                .args([&path, "--exact", "--nocapture"])
                .env(FOLDER, folder.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("it can be run again");
            let told = listen(&mut child, 50 + usize::from(rand::random::<u16>() % 8_192));
            child.wait().expect("it ends");
            assert_eq!(told.broken, Vec::<String>::new(), "round {round}");
            assert!(told.began >= durable, "round {round}: {} of {durable} is there", told.began);
            let in_it = told.wrote.iter().filter(|(_, saves)| *saves + 2 <= told.saves).map(|(number, _)| *number).max();
            durable = in_it.unwrap_or(0).max(told.began);
            saves += told.saves;
        }
        let last = build(&folder.path().join("cache")).iter().map(|(_, number)| *number).max().unwrap_or(0);
        assert!(last >= durable && durable > 0, "{last} of {durable} is there");
        println!("killed {rounds} times, after {saves} saves and {last} writes");
    });
}
