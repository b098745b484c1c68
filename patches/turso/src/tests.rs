//! The statements are those of CubeCL, so that a change of either is seen.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::transaction::TransactionBehavior::{Deferred, Immediate};
use crate::{Builder, Connection, Database, Error, Result};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS entries (namespace TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, \
                      origin INTEGER NOT NULL, PRIMARY KEY (namespace, key))";
const INSERT: &str = "INSERT INTO entries (namespace, key, value, origin) VALUES (?1, ?2, ?3, ?4) \
                      ON CONFLICT(namespace, key) DO UPDATE SET value = excluded.value, origin = excluded.origin \
                      WHERE entries.origin = 1 AND excluded.origin = 0";
const SELECT: &str = "SELECT value FROM entries WHERE namespace = ?1 AND key = ?2";
const SUMMARY: &str = "SELECT namespace, COUNT(*), SUM(length(key) + length(value)) FROM entries GROUP BY namespace ORDER BY namespace";

/// What a future gives that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn open(path: &Path) -> Database {
    now(Builder::new_local(path.to_str().unwrap()).experimental_multiprocess_wal(true).build()).unwrap()
}

fn open_to_read(path: &Path) -> Result<Database> {
    now(Builder::new_local(path.to_str().unwrap()).read_only(true).build())
}

fn insert(connection: &Connection, key: &[u8], value: &[u8], origin: i64) -> Result<u64> {
    now(connection.execute(INSERT, ("autotune/wgpu", key.to_vec(), value.to_vec(), origin)))
}

fn value(connection: &Connection, key: &[u8]) -> Option<Vec<u8>> {
    let mut rows = now(connection.query(SELECT, ("autotune/wgpu", key.to_vec()))).unwrap();
    now(rows.next()).unwrap().map(|row| row.get(0).unwrap())
}

#[test]
fn entries_are_there_when_the_file_is_opened_again() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("default.db");
    {
        let connection = open(&path).connect().unwrap();
        now(connection.execute(CREATE, ())).unwrap();
        // Inserted, declined, and then what was imported gives way to what was measured here.
        assert_eq!(insert(&connection, b"matmul", b"tile 8", 1).unwrap(), 1);
        assert_eq!(insert(&connection, b"matmul", b"tile 4", 1).unwrap(), 0);
        assert_eq!(insert(&connection, b"matmul", b"tile 16", 0).unwrap(), 1);
        assert_eq!(insert(&connection, b"reduce", &[0, 255, 0], 0).unwrap(), 1);
    }
    let connection = open(&path).connect().unwrap();
    assert_eq!(value(&connection, b"matmul").unwrap(), b"tile 16");
    assert_eq!(value(&connection, b"reduce").unwrap(), [0, 255, 0]);
    assert_eq!(value(&connection, b"convolution"), None);
    let mut rows = now(connection.query(SUMMARY, ())).unwrap();
    let row = now(rows.next()).unwrap().unwrap();
    assert_eq!(
        (row.get::<String>(0).unwrap(), row.get::<i64>(1).unwrap(), row.get::<i64>(2).unwrap()),
        ("autotune/wgpu".to_owned(), 2, 22)
    );
    assert!(row.get::<i64>(0).is_err(), "a text is no number");
    assert!(row.get::<i64>(3).unwrap_err().to_string().contains("no column 3"));
    assert!(now(rows.next()).unwrap().is_none());
}

#[test]
fn a_transaction_counts_as_a_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let mut connection = open(&place.path().join("default.db")).connect().unwrap();
    now(connection.execute(CREATE, ())).unwrap();
    {
        let transaction = now(connection.transaction_with_behavior(Deferred)).unwrap();
        insert(&transaction, b"matmul", b"tile 8", 0).unwrap();
        assert!(value(&transaction, b"matmul").is_some(), "it sees what it wrote");
    }
    assert_eq!(value(&connection, b"matmul"), None);
    let transaction = now(connection.transaction_with_behavior(Immediate)).unwrap();
    insert(&transaction, b"matmul", b"tile 8", 0).unwrap();
    now(transaction.commit()).unwrap();
    assert!(value(&connection, b"matmul").is_some());
}

#[test]
fn one_writes_at_a_time_and_others_read_meanwhile() {
    let place = tempfile::tempdir().unwrap();
    let database = open(&place.path().join("default.db"));
    let (mut writer, mut other) = (database.connect().unwrap(), database.connect().unwrap());
    other.busy_timeout(Duration::from_millis(10)).unwrap();
    now(writer.execute(CREATE, ())).unwrap();
    let transaction = now(writer.transaction_with_behavior(Immediate)).unwrap();
    insert(&transaction, b"matmul", b"tile 8", 0).unwrap();
    assert_eq!(value(&other, b"matmul"), None);
    assert!(matches!(now(other.transaction_with_behavior(Immediate)), Err(Error::Busy(_))));
    now(transaction.commit()).unwrap();
    assert!(value(&other, b"matmul").is_some());
    assert_eq!(insert(&other, b"matmul", b"tile 4", 0).unwrap(), 0);
}

#[test]
fn a_snapshot_that_is_old_can_not_be_written_to() {
    let place = tempfile::tempdir().unwrap();
    let database = open(&place.path().join("default.db"));
    let (mut early, late) = (database.connect().unwrap(), database.connect().unwrap());
    now(early.execute(CREATE, ())).unwrap();
    let transaction = now(early.transaction_with_behavior(Deferred)).unwrap();
    assert_eq!(value(&transaction, b"matmul"), None);
    insert(&late, b"matmul", b"tile 8", 0).unwrap();
    assert!(matches!(insert(&transaction, b"reduce", b"4", 0), Err(Error::BusySnapshot(_))));
}

#[test]
fn threads_share_a_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("default.db");
    now(open(&path).connect().unwrap().execute(CREATE, ())).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let path = &path;
            scope.spawn(move || {
                let connection = open(path).connect().unwrap();
                connection.busy_timeout(Duration::from_secs(30)).unwrap();
                for key in 0..25 {
                    assert_eq!(insert(&connection, &[thread, key], b"tile 8", 0).unwrap(), 1);
                }
            });
        }
    });
    let connection = open(&path).connect().unwrap();
    let row =
        now(now(connection.query("SELECT COUNT(*) FROM entries", ())).unwrap().next()).unwrap().unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 100);
}

#[test]
fn a_checkpoint_puts_everything_into_the_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("default.db");
    let connection = open(&path).connect().unwrap();
    now(connection.pragma_query("synchronous = NORMAL", |_| Ok(()))).unwrap();
    now(connection.execute(CREATE, ())).unwrap();
    insert(&connection, b"matmul", b"tile 8", 0).unwrap();
    let mut busy = None;
    now(connection.pragma_query("wal_checkpoint(TRUNCATE)", |row| {
        busy = Some(row.get::<i64>(0)?);
        Ok(())
    }))
    .unwrap();
    assert_eq!(busy, Some(0));
    // The file alone, elsewhere, to be read only.
    let copy = place.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    let connection = open_to_read(&copy).unwrap().connect().unwrap();
    assert_eq!(value(&connection, b"matmul").unwrap(), b"tile 8");
    assert!(insert(&connection, b"reduce", b"4", 0).unwrap_err().to_string().contains("readonly"));
}

#[test]
fn what_is_no_database_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("default.db");
    let read = || open_to_read(&path);
    assert!(matches!(read(), Err(Error::Error(_))), "there is no file, and none comes into being");
    assert!(!path.exists());
    std::fs::write(
        &path,
        "not a database, but longer than the header of one would be, so that SQLite looks at all of it"
            .repeat(2),
    )
    .unwrap();
    assert!(read().unwrap_err().to_string().contains("not a database"));
    assert!(
        now(Builder::new_local(path.to_str().unwrap()).experimental_multiprocess_wal(true).build()).is_err()
    );
    std::fs::write(&path, "").unwrap();
    let connection = read().unwrap().connect().unwrap();
    // CubeCL tells a foreign file by these words.
    assert!(
        now(connection.query("SELECT v FROM meta WHERE k = ?1", ("schema_version",)))
            .unwrap_err()
            .to_string()
            .contains("no such table")
    );
}
