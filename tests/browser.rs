//! A browser that tests drive: Chromium without a window, by the WebDriver protocol, and with no network.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Running, poll, say};

/// How long one request to the browser may take.
const REQUEST: Duration = Duration::from_mins(1);
/// How long the driver may take to start.
const START: Duration = Duration::from_secs(30);

/// A page in a browser. The browser is closed when the test lets go of it.
pub(crate) struct Browser {
    /// Killed when it is dropped.
    _driver: Running,
    agent: ureq::Agent,
    /// The address of the session.
    session: String,
}

impl Browser {
    /// Starts a browser; where there is none the test says that it was skipped, or fails if `ZOO_REQUIRE_BROWSER` is set.
    pub(crate) fn start(test: &str) -> Option<Self> {
        if !(is_there("chromedriver") && is_there("chromium")) {
            assert!(
                std::env::var_os("ZOO_REQUIRE_BROWSER").is_none(),
                "ZOO_REQUIRE_BROWSER is set, but chromium and chromedriver are not both there"
            );
            say(&format!("skipped {test}: there is no chromium with its chromedriver"));
            return None;
        }
        // Free now, and most likely in a moment.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port is free")
            .port();
        let driver = Running::start(Command::new("chromedriver").arg(format!("--port={port}")));
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(REQUEST))
            .http_status_as_error(false)
            .proxy(None);
        let agent: ureq::Agent = config.build().into();
        let server = format!("http://127.0.0.1:{port}");
        let ready =
            || agent.get(format!("{server}/status")).call().ok().filter(|response| response.status() == 200);
        poll(START, ready).expect("the driver answers");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--disable-background-networking",
        ];
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Self { _driver: driver, agent, session: format!("{server}/session") };
        let session = browser.post("", &capabilities);
        let id = session["sessionId"].as_str().expect("a session has an id").to_owned();
        browser.session = format!("{server}/session/{id}");
        Some(browser)
    }

    /// Opens a file.
    pub(crate) fn open(&self, file: &Path) {
        let file = file.canonicalize().expect("the page is there");
        self.post("/url", &json!({"url": format!("file://{}", file.display())}));
    }

    /// What `script`, the body of a function, returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The same for a script that calls its last argument when it is done.
    pub(crate) fn run_until_called(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({"script": script, "args": []}))
    }

    /// Presses and releases a key: a letter, or one of the keys of WebDriver's table.
    pub(crate) fn press(&self, key: &str) {
        let actions = [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// Makes the page this wide, in its own pixels.
    pub(crate) fn set_width(&self, width: u32) {
        let metrics = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Whether whoever looks wants it dark.
    pub(crate) fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// Whether the scripts of pages run that are opened from now on.
    pub(crate) fn set_scripts(&self, run: bool) {
        self.command("Emulation.setScriptExecutionDisabled", &json!({"value": !run}));
    }

    /// What the console has heard since it was asked last.
    pub(crate) fn console(&self) -> Vec<Value> {
        self.post("/se/log", &json!({"type": "browser"})).as_array().cloned().unwrap_or_default()
    }

    fn command(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let address = format!("{}{path}", self.session);
        let response =
            self.agent.post(&address).header("Content-Type", "application/json").send(body.to_string());
        let mut response = response.unwrap_or_else(|error| panic!("{address}: {error}"));
        let (status, text) = (response.status(), response.body_mut().read_to_string().unwrap_or_default());
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{address}: {error}: {text}"));
        assert!(status == 200, "{address} {body}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
    }
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// axe-core, which looks for what keeps people out: the file that `ZOO_AXE` names.
pub(crate) fn axe(test: &str) -> Option<String> {
    let Some(file) = std::env::var_os("ZOO_AXE").map(PathBuf::from) else {
        say(&format!("skipped {test}: ZOO_AXE does not name axe.min.js of axe-core"));
        return None;
    };
    // Tests run in the folder of their crate.
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    Some(std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}
