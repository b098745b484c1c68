//! Bad input gets a clear error, the right exit code, and writes nothing.

use std::path::Path;

use crate::common::{fail, files, finish, run, says, succeed, text, zoo};

/// Exports a small set of shapes in CIFAR-10's layout.
fn binary(place: &Path) {
    succeed(place, &["data", "export", "batches", "--format=binary", "--limit-train=50", "--limit-test=20"]);
}

#[test]
fn unknown_names_get_the_nearest_valid_one() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    says(&fail(place, 2, &["compare", "sofmax"]), &["unknown model \"sofmax\"", "did you mean \"softmax\"?"]);
    says(
        &fail(place, 2, &["compare", "svm", "--set", "optimizer.learning_rat=1"]),
        &["did you mean `learning_rate`?"],
    );
    says(&fail(place, 2, &["compare", "--data", "cifar01"]), &["cifar01", "did you mean cifar10?"]);
    says(&fail(place, 2, &["data", "fetch", "fashion-mnits"]), &["did you mean \"fashion-mnist\"?"]);
    let output = finish(zoo(place).args(["compare", "--backend", "felx"]));
    assert_eq!(output.status.code(), Some(2));
    says(&text(&output.stderr), &["unknown backend \"felx\"", "did you mean \"flex\"?"]);
}

#[test]
fn configs_are_checked() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("key.toml"), "model = \"svm\"\n[train]\nepoch = 3\n").unwrap();
    std::fs::write(place.join("type.toml"), "[svm.train]\nepochs = \"three\"\n").unwrap();
    std::fs::write(place.join("broken.toml"), "model = \n").unwrap();
    says(
        &fail(place, 2, &["compare", "svm", "--config", "key.toml"]),
        &["key.toml", "train", "`epoch`", "did you mean `epochs`?"],
    );
    says(
        &fail(place, 2, &["compare", "svm", "--config", "type.toml"]),
        &["type.toml", "train.epochs", "three"],
    );
    says(&fail(place, 2, &["compare", "svm", "--config", "broken.toml"]), &["broken.toml", "line 1"]);
    says(&fail(place, 2, &["compare", "svm", "--config", "none.toml"]), &["none.toml", "cannot read"]);
    says(
        &fail(place, 2, &["compare", "svm", "--set", "train.batch_size=0"]),
        &["train.batch_size = 0", "at least 1"],
    );
    says(&fail(place, 2, &["compare", "cnn", "--set", "architecture.widths=[]"]), &["architecture.widths"]);
    says(&fail(place, 2, &["train", "softmax", "--tui"]), &["--tui needs a terminal"]);
    says(
        &fail(place, 2, &["train", "softmax", "--set", "train.patience=2", "--validation", "0"]),
        &["train.patience = 2", "0 without validation images"],
    );
    says(
        &fail(place, 2, &["train", "softmax", "--set", "optimizer.groups.linear.weight_decay=1"]),
        &["optimizer.groups = linear", "weights, biases, norm_scales, norm_biases"],
    );
}

#[test]
fn k_must_fit_the_training_set() {
    let place = tempfile::tempdir().unwrap();
    // A tenth of the fifty is held out, and its neighbours are among the others.
    for k in ["0", "46"] {
        let set = format!("k={k}");
        let message = fail(place.path(), 2, &["compare", "knn", "--limit-train=50", "--set", &set]);
        says(&message, &[&format!("k = {k}"), "1 to the number of training images, 45"]);
    }
    says(&fail(place.path(), 2, &["compare", "knn", "--set", "k=-1"]), &["k: invalid value", "-1"]);
}

#[test]
fn limits_must_fit_the_data() {
    let place = tempfile::tempdir().unwrap();
    says(&fail(place.path(), 1, &["compare", "--limit-train=10001"]), &["10001", "10000"]);
    says(&fail(place.path(), 1, &["compare", "--limit-test=0"]), &["0 test images"]);
    says(&fail(place.path(), 1, &["compare", "--validation=1"]), &["validation"]);
}

#[test]
fn damaged_cifar10_is_named() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    says(&fail(place, 1, &["compare", "--data=cifar10"]), &["no CIFAR-10 in data", "zoo data fetch cifar10"]);
    says(&fail(place, 2, &["compare", "--data=no/such/folder"]), &["no/such/folder"]);

    binary(place);
    // The named dataset has 10,000 records a file; an own one may have fewer.
    says(
        &fail(place, 1, &["compare", "--data=cifar10", "--data-dir=batches"]),
        &["data_batch_1.bin holds 30730 bytes", "expected 30730000"],
    );
    succeed(place, &["data", "verify", "--data=batches"]);

    let third = place.join("batches/data_batch_3.bin");
    let bytes = std::fs::read(&third).unwrap();
    std::fs::write(&third, &bytes[..bytes.len() - 1]).unwrap();
    says(
        &fail(place, 1, &["compare", "--data=batches"]),
        &["data_batch_3.bin holds 30729 bytes", "truncated"],
    );
    let mut damaged = bytes.clone();
    damaged[4 * 3073] = 10;
    std::fs::write(&third, damaged).unwrap();
    says(
        &fail(place, 1, &["compare", "--data=batches"]),
        &["data_batch_3.bin: record 4 (byte 12292) has label 10"],
    );
    std::fs::remove_file(&third).unwrap();
    says(&fail(place, 1, &["compare", "--data=batches"]), &["data_batch_3.bin is missing"]);
    std::fs::write(place.join("broken.tar.gz"), "no archive").unwrap();
    says(&fail(place, 1, &["compare", "--data=broken.tar.gz"]), &["cannot unpack broken.tar.gz"]);
}

#[test]
fn image_folders_are_checked() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["data", "export", "photos", "--limit-train=20", "--limit-test=10"]);
    let star = place.join("photos/train/star");
    std::fs::write(star.join("note.png"), "a text").unwrap();
    says(
        &fail(place, 1, &["compare", "knn", "--data=photos"]),
        &["1 of 31 photos can't be decoded", "photos/train/star/note.png: ", "--skip-broken"],
    );
    std::fs::remove_dir_all(&star).unwrap();
    std::fs::create_dir(&star).unwrap();
    says(
        &fail(place, 1, &["compare", "knn", "--data=photos"]),
        &["is of class \"star\", which no training image is of"],
    );
}

#[test]
fn a_download_of_another_file_is_not_kept() {
    use std::io::{Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cifar-10-binary.tar.gz", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        }
    });
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("data")).unwrap();
    let message = fail_download(place.path(), &["data", "fetch", "cifar10", "--url", &url]);
    says(&message, &["delivers 5 bytes", "170052171", "of which nothing was kept"]);

    // The right length, but not the right content: a sparse file serves as an earlier download.
    let part = place.path().join("data/cifar10-cifar-10-binary.tar.gz.part");
    std::fs::File::create(&part).unwrap().set_len(170_052_171).unwrap();
    let message = fail_download(place.path(), &["data", "fetch", "cifar10", "--url", &url]);
    says(&message, &["what was there is not of the official file; starting over", "delivers 5 bytes"]);
    assert!(!part.exists());
}

/// Like [`fail`], but a lock file may stay.
fn fail_download(place: &Path, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert_eq!(output.status.code(), Some(1));
    let left: Vec<_> = files(&place.join("data"));
    assert!(
        left.iter().all(|file| file.extension().is_some_and(|extension| extension == "lock")),
        "{left:?}"
    );
    text(&output.stderr)
}

/// A limit on the size of files takes the place of a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_result() {
    let place = tempfile::tempdir().unwrap();
    // Files of at most this many blocks of 512 bytes.
    let compare = |blocks: usize, model: &str| {
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" compare {model} --backend flex --limit-train 50 --limit-test 20 -q"
        );
        let mut shell = std::process::Command::new("sh");
        let output = finish(shell.args(["-c", &script, env!("CARGO_BIN_EXE_zoo")]).current_dir(place.path()));
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        says(&message, &["cannot write", "too large"]);
        text(&output.stdout)
    };
    // There is hardly room for a config, or none if paths are long: nothing is left of the run.
    assert_eq!(compare(1, "knn"), "");
    assert_eq!(files(&place.path().join("runs")), Vec::<std::path::PathBuf>::new());
    // There is, but not for the images that k-NN keeps: one model is lost, and said to be.
    let table = compare(200, "knn majority");
    assert!(table.contains("majority") && table.contains("knn"), "{table}");
    let run = place.path().join("runs/0001-compare-shapes10");
    assert!(run.join("majority/model.safetensors").is_file() && !run.join("knn").exists());
    assert!(run.join("result.json").is_file());
}

#[test]
fn runs_that_are_none_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    says(
        &fail(place, 2, &["evaluate", "runs/0001"]),
        &["runs/0001: neither a folder nor the name of a recipe"],
    );
    std::fs::create_dir(place.join("empty")).unwrap();
    says(&fail(place, 1, &["evaluate", "empty"]), &["empty is no run folder"]);
    succeed(place, &["compare", "knn", "--limit-train=50", "--limit-test=20"]);
    says(
        &fail(place, 1, &["evaluate", "runs/0001-compare-shapes10"]),
        &["is a comparison; name one of its models", "runs/0001-compare-shapes10/knn"],
    );
    says(&fail(place, 2, &["predict", "runs/0001-compare-shapes10"]), &["--image"]);
}
