//! What another component imports; it says which environment it sees.

wit_bindgen::generate!({ path: "wit", world: "provider" });

use exports::test::parts::greeter::Guest;

struct Component;

export!(Component);

impl Guest for Component {
    fn greet(whom: String) -> String {
        let language = std::env::var("LANGUAGE");
        format!("hello, {whom}, in {}", language.as_deref().unwrap_or("no language"))
    }
}
