/**
 * `pnpm bench`: whole commands against peers on the same server, in turn, as ratios of medians. Absolute times say more
 * about the machine than about the program; the ratios hold when its speed drifts.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

const cli = join(import.meta.dirname, "../dist/callstream.mjs")
const folder = mkdtempSync(join(tmpdir(), "callstream-bench-"))
const out = join(folder, "out.ndjson")
const env = { ...process.env, AGNI_API_KEY: "agni_test_key" }

interface Ran {
  readonly seconds: number
  readonly megabytes: number
}

const run = async (command: ReadonlyArray<string>): Promise<Ran> => {
  rmSync(out, { force: true })
  const started = performance.now()
  const child = spawn(process.execPath, command, { env, stdio: ["ignore", "ignore", "pipe"] })
  let errors = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
  let peak = 0
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
    } catch {
      // It has just ended, or this system has no /proc: the peak stays what was seen.
    }
  }, 20)
  await once(child, "close")
  clearInterval(watch)
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")} exited with ${child.exitCode}: ${errors}`)
  return { seconds: (performance.now() - started) / 1000, megabytes: peak / 1024 }
}

const serve = async (sessions: number, latency: number, keep: boolean) => {
  const server: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, "server.ts"), String(sessions), String(latency), keep ? "1" : "0"],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  if (server.stdout === null) throw new Error("the server has no output")
  const [baseUrl] = await once(createInterface({ input: server.stdout }), "line")
  return {
    baseUrl: String(baseUrl),
    end: async () => {
      const ended = once(server, "close")
      server.kill()
      await ended
    }
  }
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const lines = () => readFileSync(out, "utf8").split("\n").length - 1

const exportTo = (baseUrl: string, ...flags: ReadonlyArray<string>) => [
  cli,
  "export",
  "--base-url",
  baseUrl,
  "--to",
  out,
  "--quiet",
  ...flags
]
const loop = (baseUrl: string) => [join(import.meta.dirname, "peer/loop.mjs"), baseUrl, out]

const rows: Array<readonly [string, string, string, string]> = []

const compare = async (
  what: string,
  bar: string,
  ours: ReadonlyArray<string>,
  theirs: ReadonlyArray<string>,
  options: { readonly runs: number; readonly expect?: number }
) => {
  const pairs: Array<readonly [Ran, Ran]> = []
  for (let i = 0; i <= options.runs; i++) {
    const a = await run(ours)
    if (options.expect !== undefined && lines() !== options.expect) {
      throw new Error(`${what}: ${lines()} lines, expected ${options.expect}`)
    }
    const pair = [a, await run(theirs)] as const
    // The first pair warms the server and the disk.
    if (i > 0) pairs.push(pair)
  }
  const ratio = median(pairs.map(([a, b]) => a.seconds / b.seconds))
  const seconds = (side: 0 | 1) => median(pairs.map((pair) => pair[side].seconds)).toFixed(2)
  rows.push([what, `${seconds(0)} s / ${seconds(1)} s`, ratio.toFixed(2), bar])
  console.log(`${what}: ${ratio.toFixed(3)} (${bar})`)
}

const only = process.argv[2]
const bench = async (name: string, body: () => Promise<void>) => {
  if (only === undefined || name.startsWith(only)) await body()
}

if (!existsSync(cli)) throw new Error("run `pnpm build` first: the bench times the built command")
try {
  await bench("start", () =>
    compare("callstream --version / node -e 0", "at most 3", [cli, "--version"], ["-e", "0"], { runs: 9 }))
  await bench("wall", async () => {
    const server = await serve(50_000, 0, true)
    await compare(
      "export of 50,000, no latency / fetch loop",
      "at most 1.25",
      exportTo(server.baseUrl),
      loop(server.baseUrl),
      { runs: 5, expect: 50_000 }
    )
    await server.end()
  })
  await bench("latency", async () => {
    const server = await serve(20_000, 50, true)
    await compare(
      "export of 20,000 at 50 ms, --concurrency 8 / fetch loop",
      "at most 0.167",
      exportTo(server.baseUrl, "--concurrency", "8"),
      loop(server.baseUrl),
      { runs: 5, expect: 20_000 }
    )
    await server.end()
  })
  await bench("memory", async () => {
    const peak = async (sessions: number) => {
      const server = await serve(sessions, 0, false)
      const { megabytes } = await run(exportTo(server.baseUrl))
      if (lines.length > 0 && sessions <= 100_000 && lines() !== sessions) throw new Error(`${lines()} lines`)
      await server.end()
      return megabytes
    }
    const small = await peak(100_000)
    const large = await peak(1_000_000)
    const ratio = (large / small).toFixed(2)
    rows.push([
      "peak memory, 1,000,000 / 100,000",
      `${large.toFixed(0)} MB / ${small.toFixed(0)} MB`,
      ratio,
      "at most 1.2, under 256 MB"
    ])
  })
  console.table(rows.map(([what, values, ratio, bar]) => ({ what, values, ratio, bar })))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
