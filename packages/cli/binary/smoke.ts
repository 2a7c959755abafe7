/** What somebody without Node gets: `node packages/cli/binary/smoke.ts FILE`, the file that `pnpm run binary` made. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"

const sessions = 3000
const binary = resolve(process.argv[2] ?? "callstream")
const folder = mkdtempSync(join(tmpdir(), "callstream-binary-smoke-"))
// No PATH: nothing else is needed.
const env = { AGNI_API_KEY: "agni_test_key", TMPDIR: folder }

const check = (what: string, ok: boolean, seen: unknown): void => {
  if (!ok) throw new Error(`${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`)
  console.log(`ok  ${what}`)
}

const start = (args: ReadonlyArray<string>) => {
  const child = spawn(binary, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })
  const seen = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (text: string) => (seen.stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (seen.stderr += text))
  return { child, seen }
}

const run = async (...args: ReadonlyArray<string>) => {
  const { child, seen } = start(args)
  await once(child, "close")
  check(`callstream ${args.join(" ")}`, child.exitCode === 0, seen)
  return seen
}

/** The names of the threads of a process, where the system tells. */
const threadsOf = ({ pid }: ChildProcess): ReadonlyArray<string> =>
  globSync(`/proc/${pid}/task/*/comm`).map((file) => readFileSync(file, "utf8").trim())

const simulator = start(["simulate", "--port", "0", "--sessions", String(sessions), "--latency", "30ms"])
try {
  for (let tries = 0; tries < 300 && !/http:\S+\n/.test(simulator.seen.stdout); tries++) await setTimeout(100)
  const url = simulator.seen.stdout.trim()
  check("simulate prints its address", url.startsWith("http://127.0.0.1:"), simulator.seen)
  check("--version", (await run("--version")).stdout.startsWith("callstream v"), "")
  const at = ["--base-url", url]
  for (const [file, ...more] of [
    ["lines.ndjson.zst"],
    ["columns.parquet"],
    ["sheet.xlsx"],
    ["sqlite:table.db"],
    ["redacted.ndjson", "--redact", "phone,email", "--where", "durationSec >= 0"]
  ]) {
    const { stderr } = await run("export", ...at, "--to", String(file), ...more)
    check(`… proves it`, /^[\d,]+ calls to /.test(stderr) && stderr.includes("Complete up to"), stderr)
  }
  // Both threads: the one that decodes, and the one that applies transforms.
  for (const more of [[], ["--select", "id,status"]]) {
    const { child, seen } = start(["export", ...at, "--rate", "10", "--to", `threads${more.length}.ndjson`, ...more])
    let names: ReadonlyArray<string> = []
    for (let tries = 0; tries < 100 && !names.includes("callstream-deco"); tries++) {
      await setTimeout(50)
      names = threadsOf(child)
    }
    if (process.platform === "linux") check("a thread decodes", names.includes("callstream-deco"), { names, seen })
    child.kill()
    await once(child, "close")
  }
} finally {
  simulator.child.kill()
  rmSync(folder, { recursive: true, force: true })
}
