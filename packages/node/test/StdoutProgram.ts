/** A program in a process of its own, for what it does with its standard output. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs TypeScript with arguments, and closes its standard output when that has brought something, where asked. */
export const run = (args: ReadonlyArray<string>, closing: boolean) =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", ...args], {
      cwd: new URL("..", import.meta.url),
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk)
      if (closing) child.stdout.destroy()
    })
    child.stderr.on("data", (chunk) => (stderr += String(chunk)))
    child.on("close", (code, signal) => resume(Effect.succeed({ code, signal, stdout, stderr })))
    return Effect.sync(() => child.kill())
  })
