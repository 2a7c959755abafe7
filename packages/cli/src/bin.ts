#!/usr/bin/env node
// It imports nothing: loading the program takes a while, in which a signal would end the process as if it had crashed.
const args = process.argv.slice(2)
const [command, ...flags] = args

/** An argument that is neither a flag nor the value of one: the name of a run, or a further command. */
const isName = (flag: string, i: number) =>
  !flag.startsWith("-") && !/^--(cluster|fleet|zone|metrics-file)$/.test(flags[i - 1] ?? "")

/** Of a command that only a signal ends, as far as the arguments show it, 0. */
const onInterrupt =
  command === "worker" ||
  (command === "sync" && flags.includes("--follow")) ||
  (command === "runs" && flags.includes("--watch") && !flags.some(isName))
    ? 0
    : 130

// The first Ctrl-C ends the run cleanly; a second one means that the user does not want to wait. Then the signal does
// what it does to any program (a shell says 130): `process.exit` would wait for a file operation that hangs.
const seen = { signals: 0 }
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    seen.signals++
    if (seen.signals === 1) return
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

// Without `await`: if the bundler puts something here that the program imports, that would wait for it forever. Node reports a
// signal that came meanwhile with the next turn of its event loop: before the command begins.
void import("./Program.ts").then(({ run }) =>
  setImmediate(() => {
    if (seen.signals === 0) run(args, onInterrupt)
    else process.exitCode = onInterrupt
  })
)
