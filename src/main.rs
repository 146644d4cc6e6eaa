//! Parses arguments, calls `cli`, turns the result into an exit code.

fn main() -> std::process::ExitCode {
    weir::cli::main()
}
