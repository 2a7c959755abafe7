/**
 * `pnpm bench`: whole commands against peers on the same server, in turn, as ratios of medians. Absolute times say more
 * about the machine than about the program; the ratios hold when its speed drifts.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Rate } from "./sql.ts"
import type { Asked, Took } from "./virtual.ts"

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
  const [program = "", ...args] = command
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] })
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

/** The file is read in pieces: a million sessions are longer than a string can be. */
const lines = async () => {
  let count = 0
  for await (const chunk of createReadStream(out)) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count++
  }
  return count
}

const exportTo = (baseUrl: string, ...flags: ReadonlyArray<string>) => [
  process.execPath,
  cli,
  "export",
  "--base-url",
  baseUrl,
  "--to",
  out,
  "--quiet",
  ...flags
]
const peer = (name: string) => join(import.meta.dirname, "peer", name)
const loop = (baseUrl: string) => [process.execPath, peer("loop.mjs"), baseUrl, out]
const parallel = (baseUrl: string) => [process.execPath, peer("parallel.mjs"), baseUrl, out]
const redacting = (baseUrl: string) => [process.execPath, peer("redact.mjs"), baseUrl, out]
const shell = (baseUrl: string) => ["bash", peer("shell.sh"), baseUrl, out]
const byPages = ["--walk", "pages"]
const redacted = ["--where", "durationSec > 60.0", "--redact", "email"]

const virtual = (asked: Asked): Took =>
  JSON.parse(
    execFileSync(process.execPath, [join(import.meta.dirname, "virtual.ts"), JSON.stringify(asked)], {
      encoding: "utf8"
    })
  )

const rows: Array<readonly [string, string, string, string]> = []

const compare = async (
  what: string,
  bar: string,
  ours: ReadonlyArray<string>,
  theirs: ReadonlyArray<string>,
  options: { readonly runs: number; readonly expect?: number | "same" }
) => {
  const pairs: Array<readonly [Ran, Ran]> = []
  for (let i = 0; i <= options.runs; i++) {
    const both: Array<Ran> = []
    let { expect } = options
    for (const command of [ours, theirs]) {
      both.push(await run(command))
      if (expect === undefined) continue
      const written = await lines()
      if (expect === "same" && written > 0) expect = written
      if (written !== expect) throw new Error(`${what}: ${written} lines, expected ${expect}`)
    }
    const [a, b] = both
    if (a === undefined || b === undefined) throw new Error(what)
    const pair = [a, b] as const
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
    compare(
      "callstream --version / node -e 0",
      "at most 3",
      [process.execPath, cli, "--version"],
      [process.execPath, "-e", "0"],
      { runs: 9 }
    ))
  await bench("wall", async () => {
    const server = await serve(100_000, 0, true)
    const { baseUrl } = server
    const options = { runs: 3, expect: 100_000 }
    await compare("100,000 proven / fetch loop", "at most 1.25", exportTo(baseUrl), loop(baseUrl), options)
    await compare("100,000 by pages / fetch loop", "", exportTo(baseUrl, ...byPages), loop(baseUrl), options)
    await compare("100,000 proven / eight pages in flight", "", exportTo(baseUrl), parallel(baseUrl), options)
    for (const concurrency of [4, 8]) {
      await fetch(`${baseUrl}/served`)
      await run(exportTo(baseUrl, "--concurrency", String(concurrency)))
      const served = Number(await (await fetch(`${baseUrl}/served`)).text())
      const what = `requests for 100,000 proven, ${concurrency} at once / pages`
      rows.push([what, `${served} / 1000`, (served / 1000).toFixed(3), "at most 1.15"])
    }
    await server.end()
  })
  await bench("transform", async () => {
    const server = await serve(100_000, 0, true)
    const { baseUrl } = server
    await compare(
      "100,000 filtered and redacted / loop that does it",
      "at most 1.25",
      exportTo(baseUrl, ...redacted),
      redacting(baseUrl),
      { runs: 3, expect: "same" }
    )
    await server.end()
  })
  await bench("shell", async () => {
    const server = await serve(100_000, 0, true)
    const { baseUrl } = server
    await compare("100,000 proven / curl and jq", "at most 0.05", exportTo(baseUrl), shell(baseUrl), {
      runs: 1,
      expect: 100_000
    })
    await server.end()
  })
  await bench("latency", async () => {
    const server = await serve(50_000, 50, true)
    const { baseUrl } = server
    const options = { runs: 1, expect: 50_000 }
    const eight = ["--concurrency", "8"]
    const bar = "at most 0.167"
    await compare("50,000 proven, 50 ms, 8 at once / loop", bar, exportTo(baseUrl, ...eight), loop(baseUrl), options)
    await compare(
      "50,000 by pages, 50 ms, 8 at once / loop",
      bar,
      exportTo(baseUrl, ...byPages, ...eight),
      loop(baseUrl),
      options
    )
    await compare(
      "50,000 filtered and redacted, 50 ms, 8 at once / loop that does it",
      bar,
      exportTo(baseUrl, ...redacted, ...eight),
      redacting(baseUrl),
      { runs: 1, expect: "same" }
    )
    await server.end()
  })
  await bench("virtual", async () => {
    for (const [sessions, bar] of [
      [50_000, "at least 0.85"],
      [100_000, ""],
      [1_000_000, "at least 0.95"]
    ] as const) {
      const { requests, virtualSeconds } = virtual({ sessions, latency: 50, concurrency: 8 })
      const ideal = (requests * 0.05) / 8
      rows.push([
        `${sessions.toLocaleString("en")} proven in virtual time, 50 ms, 8 at once: requests × latency / 8 / time`,
        `${ideal.toFixed(2)} s / ${virtualSeconds.toFixed(2)} s`,
        (ideal / virtualSeconds).toFixed(2),
        bar
      ])
    }
  })
  await bench("rate", async () => {
    for (const [rate, sessions, limitedEvery] of [
      [20, 100_000, undefined],
      [100, 100_000, undefined],
      [20, 100_000, 500]
    ] as const) {
      const took = virtual({
        sessions,
        latency: 50,
        concurrency: 8,
        rate,
        ...(limitedEvery === undefined ? {} : { limitedEvery })
      })
      const { limited, requests, virtualSeconds } = took
      const when = limitedEvery === undefined ? "" : `, and a 429 for every ${limitedEvery}th all the same`
      rows.push([
        `--rate ${rate} against a limit of ${rate}${when}: share of it used`,
        `${requests} in ${virtualSeconds.toFixed(1)} s`,
        (requests / virtualSeconds / rate).toFixed(3),
        "at least 0.95"
      ])
      rows.push([
        `--rate ${rate} against a limit of ${rate}${when}: share answered 429`,
        `${limited} / ${requests}`,
        (limited / requests).toFixed(4),
        "below 0.01"
      ])
    }
  })
  await bench("sql", async () => {
    const text = execFileSync(process.execPath, [join(import.meta.dirname, "sql.ts")], { encoding: "utf8" })
    for (const { ours, ratio, theirs, what } of JSON.parse(text) as ReadonlyArray<Rate>) {
      const values = `${Math.round(ours).toLocaleString("en")} / ${Math.round(theirs).toLocaleString("en")} rows/s`
      rows.push([`${what}: rows a second, the sink / its driver alone`, values, ratio.toFixed(2), "at least 0.8"])
    }
  })
  for (const walk of ["history", "pages"]) {
    await bench(`memory-${walk}`, async () => {
      const peak = async (sessions: number) => {
        const server = await serve(sessions, 0, false)
        const { megabytes } = await run(exportTo(server.baseUrl, "--walk", walk))
        const written = await lines()
        if (written !== sessions) throw new Error(`${written} lines, expected ${sessions}`)
        await server.end()
        return megabytes
      }
      const small = await peak(100_000)
      const large = await peak(1_000_000)
      const values = `${large.toFixed(0)} MB / ${small.toFixed(0)} MB`
      const what = `peak memory, 1,000,000 / 100,000, ${walk}`
      rows.push([what, values, (large / small).toFixed(2), "at most 1.2, under 256 MB"])
    })
  }
  console.table(rows.map(([what, values, ratio, bar]) => ({ what, values, ratio, bar })))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
