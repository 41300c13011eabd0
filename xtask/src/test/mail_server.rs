//! Takes mails as Postmark's API does, and writes each as a line of a file, where the suites find
//! the codes in them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::{io, thread};

use anyhow::Result;

/// A mail with a code has less than 2 KiB.
const MAX_BODY: usize = 64 * 1024;

const ANSWER: &str = r#"{"ErrorCode":0,"Message":"OK"}"#;

/// It serves as long as the process lives.
pub(crate) struct MailServer {
    url: String,
    /// Holds the mails.
    pub(crate) file: PathBuf,
}

impl MailServer {
    pub(crate) fn start(file: PathBuf) -> Result<Self> {
        let mails = Mutex::new(File::create(&file)?);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever sent half a mail is told by the end of the connection.
                let _ = stream.and_then(|stream| take(stream, &mails));
            }
        });
        Ok(Self { url, file })
    }

    /// What leads mails here.
    pub(crate) fn variable(&self) -> (String, String) {
        ("mail_api_url".to_owned(), self.url.clone())
    }
}

/// One mail a connection: there are few, and each is sent by a host on this machine.
fn take(stream: TcpStream, mails: &Mutex<File>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut chunked) = (0, false);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
        chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        line.clear();
    }
    let mut body = if chunked { chunks(&mut reader)? } else { piece(&mut reader, length)? };
    body.push(b'\n');
    if let Ok(mut mails) = mails.lock() {
        mails.write_all(&body)?;
    }
    let length = ANSWER.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    reader.into_inner().write_all((head + ANSWER).as_bytes())
}

/// A body whose length is told piece by piece (RFC 9112 section 7.1).
fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or_default();
        body.extend(piece(reader, length)?);
        // The line's end after each, also after the last, which is empty.
        reader.read_line(&mut line)?;
        if length == 0 || body.len() > MAX_BODY {
            return Ok(body);
        }
    }
}

fn piece(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; MAX_BODY.min(length)];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
