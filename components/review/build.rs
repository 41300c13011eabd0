fn main() {
    openapi::embed("openapi.yaml");
}
