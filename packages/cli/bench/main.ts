/**
 * `pnpm bench`: whole commands against peers on the same server, in turn, as ratios of medians. Absolute times say more
 * about the machine than about the program; the ratios hold when its speed drifts. Each is measured on two servers that show
 * different shapes of data, and the worse one is printed.
 */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import {
  cli,
  clear,
  compare,
  env,
  fileOf,
  lines,
  out,
  report,
  run,
  serve,
  type Server,
  shapes,
  table
} from "./measure.ts"
import { measureLedger } from "./ledger-file.ts"
import type { Rate } from "./sql.ts"
import type { Asked, Took } from "./virtual.ts"

const to = (output: string, baseUrl: string, ...flags: ReadonlyArray<string>) => [
  process.execPath,
  cli,
  "export",
  "--base-url",
  baseUrl,
  "--to",
  output,
  "--quiet",
  ...flags
]
const exportTo = (baseUrl: string, ...flags: ReadonlyArray<string>) => to(out, baseUrl, ...flags)
const peer = (name: string) => join(import.meta.dirname, "peer", name)
const loop = (baseUrl: string) => [process.execPath, peer("loop.mjs"), baseUrl, out]
const parallel = (baseUrl: string) => [process.execPath, peer("parallel.mjs"), baseUrl, out]
const redacting = (baseUrl: string) => [process.execPath, peer("redact.mjs"), baseUrl, out]
const shell = (baseUrl: string) => ["bash", peer("shell.sh"), baseUrl, out]
const byPages = ["--walk", "pages"]
const redacted = ["--where", "durationSec > 60.0", "--redact", "email"]
const eight = ["--concurrency", "8"]

const virtual = (asked: Asked): Took =>
  JSON.parse(
    execFileSync(process.execPath, [join(import.meta.dirname, "virtual.ts"), JSON.stringify(asked)], {
      encoding: "utf8"
    })
  )

const only = process.argv[2]
const bench = async (name: string, body: () => Promise<void>) => {
  if (only === undefined || name.startsWith(only)) await body()
}

interface Race {
  readonly what: string
  readonly bar: string
  readonly ours: (baseUrl: string) => ReadonlyArray<string>
  readonly theirs: (baseUrl: string) => ReadonlyArray<string>
  readonly runs: number
  readonly expect: number | "same"
}

/** Each race on both servers; the worse one is reported. */
const races = async (sessions: number, latency: number, all: ReadonlyArray<Race>) => {
  const servers: Array<readonly [(typeof shapes)[number], Server]> = []
  for (const shape of shapes) servers.push([shape, await serve(shape, sessions, latency)])
  for (const { bar, expect, ours, runs, theirs, what } of all) {
    const found = []
    for (const [server, { baseUrl }] of servers) {
      const compared = await compare(what, ours(baseUrl), theirs(baseUrl), { runs, expect })
      console.log(`  ${server}: ${compared.ratio.toFixed(3)}`)
      found.push({ server, ...compared })
    }
    const worse = found.toSorted((a, b) => b.ratio - a.ratio)[0]
    if (worse === undefined) continue
    const values = `${worse.ours.toFixed(2)} s / ${worse.theirs.toFixed(2)} s`
    report({ what, values, ratio: worse.ratio.toFixed(2), bar, server: worse.server })
  }
  for (const [, { end }] of servers) await end()
}

interface FirstPass {
  readonly calls: number
  /** Milliseconds before each answer. */
  readonly latency: number
}

/** With latency first: that is what an API over a network shows. */
const firstPasses: ReadonlyArray<FirstPass> = [
  { calls: 100_000, latency: 50 },
  { calls: 20_000, latency: 20 },
  { calls: 20_000, latency: 50 },
  { calls: 20_000, latency: 200 },
  { calls: 100_000, latency: 0 }
]

/**
 * A first pass reads a range as an export does: its requests, processor time and time beside those of exports, on the quiet server. An
 * export with a name keeps its place, as a sync has to; one without a name keeps nothing.
 */
const firstPass = async ({ calls, latency }: FirstPass) => {
  const server = await serve("quiet", calls, latency)
  const common = ["--base-url", server.baseUrl, "--quiet", "--since", "2025-12-31", ...(latency === 0 ? [] : eight)]
  const kept = ["--name", "first", "--state", fileOf("state")]
  for (const [what, synced, exported] of [
    ["NDJSON", fileOf("changes.ndjson"), out],
    ["SQLite", `sqlite:${fileOf("synced.db")}`, `sqlite:${fileOf("exported.db")}`]
  ] as const) {
    const ours = [process.execPath, cli, "sync", "--to", synced, ...kept, ...common]
    const plain = [process.execPath, cli, "export", "--to", exported, ...common]
    const answers = latency === 0 ? "without latency" : `${latency} ms, 8 at once`
    console.log(`first pass of ${calls.toLocaleString("en")} to ${what}, ${answers} (bar: at most 1.05 of an export):`)
    for (const [peer, theirs] of [
      ["an export with a name", [...plain, ...kept]],
      ["an export without a name", plain]
    ] as const) {
      const requests = []
      for (const command of [ours, theirs]) {
        await server.served()
        await run(command)
        requests.push(await server.served())
      }
      const compared = await compare("first pass", ours, theirs, { runs: 3 })
      const [mine, its] = [compared.ours, compared.theirs].map((each) => `${each.toFixed(2)} s`)
      const ratios = `${compared.ratio.toFixed(2)}; of processor time ${compared.work.toFixed(2)}`
      console.log(`  beside ${peer}: ${requests.join(" / ")} requests; ${mine} / ${its}, ${ratios}`)
    }
  }
  await server.end()
}

/** Turns of requests, without what the machine adds: the same calls in the same number of turns. */
const firstPassTurns = () => {
  for (const latency of [20, 50, 200]) {
    const asked = { sessions: 20_000, latency, concurrency: 8 }
    const [sync, exported] = (["sync", "export"] as const).map((range) => virtual({ ...asked, range }))
    if (sync === undefined || exported === undefined) continue
    const [mine, its] = [sync, exported].map(({ virtualSeconds }) => `${virtualSeconds.toFixed(2)} s`)
    console.log(
      `first pass of 20,000 in virtual time, ${latency} ms, 8 at once, beside an export (bar: at most 1.05 of it):`
    )
    console.log(`  ${sync.requests} / ${exported.requests} requests`)
    console.log(`  ${mine} / ${its}, ${(sync.virtualSeconds / exported.virtualSeconds).toFixed(2)}`)
  }
}

const ledger = async () => {
  const { calls, half, megabytes, most, size } = await measureLedger()
  console.log(`ledger of ${calls.toLocaleString("en")} calls: ${size.toFixed(0)} MB in SQLite (bar: at most 130)`)
  console.log(`  a commit of 100 changes ${half.toFixed(1)} ms, 99 % ${most.toFixed(1)} ms (bar: at most 10)`)
  console.log(`  resident memory by quarters ${megabytes.map((each) => each.toFixed(0)).join(", ")} MB (bar: flat)`)
}

// In virtual time, without the command, but for `bench "sync first"`: `bench sync`, or a part of it such as `bench "sync 2k"`.
if (only?.startsWith("sync") === true) {
  const main = join(import.meta.dirname, "..", "..", "core", "bench", "sync", "main.ts")
  const part = only.slice("sync".length).trim()
  if (part !== "ledger" && part !== "first") execFileSync(process.execPath, [main, part], { stdio: "inherit" })
  if (part === "ledger" || part === "") await ledger()
  if (part === "first" || part === "") {
    firstPassTurns()
    for (const one of firstPasses) await firstPass(one)
  }
  clear()
  process.exit()
}

// Worker processes that share runs: `bench fleet`, or a part of it such as `bench "fleet rate"`.
if (only?.startsWith("fleet") === true) {
  const main = join(import.meta.dirname, "fleet", "main.ts")
  execFileSync(process.execPath, [main, only.slice("fleet".length).trim()], { stdio: "inherit" })
  clear()
  process.exit()
}

if (!existsSync(cli)) throw new Error("run `pnpm build` first: the bench times the built command")
try {
  await bench("start", async () => {
    const version = [process.execPath, cli, "--version"]
    const { ours, ratio, theirs } = await compare("start", version, [process.execPath, "-e", "0"], { runs: 9 })
    const values = `${ours.toFixed(2)} s / ${theirs.toFixed(2)} s`
    report({ what: "callstream --version / node -e 0", values, ratio: ratio.toFixed(2), bar: "at most 3" })
  })
  await bench("wall", async () => {
    const race = { theirs: loop, runs: 5, expect: 100_000 }
    await races(100_000, 0, [
      { ...race, what: "100,000 proven / fetch loop", bar: "at most 1.25", ours: exportTo },
      { ...race, what: "100,000 by pages / fetch loop", bar: "", ours: (url) => exportTo(url, ...byPages) },
      { ...race, what: "100,000 proven / eight pages in flight", bar: "", ours: exportTo, theirs: parallel }
    ])
  })
  await bench("transform", () =>
    races(100_000, 0, [
      {
        what: "100,000 filtered and masked / loop that does it",
        bar: "at most 1.5",
        ours: (url) => exportTo(url, ...redacted),
        theirs: redacting,
        runs: 5,
        expect: "same"
      }
    ]))
  await bench("latency", async () => {
    const race = { theirs: loop, runs: 3, expect: 20_000 }
    await races(20_000, 50, [
      {
        ...race,
        what: "20,000 proven, 50 ms, 8 at once / fetch loop",
        bar: "at most 0.18",
        ours: (url) => exportTo(url, ...eight)
      },
      {
        ...race,
        what: "20,000 by pages, 50 ms, 8 at once / fetch loop",
        bar: "",
        ours: (url) => exportTo(url, ...byPages, ...eight)
      }
    ])
  })
  await bench("requests", async () => {
    const day = ["--since", "2026-01-01", "--until", "2026-01-02"]
    for (const [what, sessions, most, flags] of [
      ["whole history of 20", 20, 25, []],
      ["one day of 300", 300, 18, day],
      ["whole history of 3,000", 3000, 65, []],
      ["whole history of 20,000", 20_000, 250, []],
      ["whole history of 100,000", 100_000, 1150, []]
    ] as const) {
      const found = []
      for (const shape of shapes) {
        // The simulator's calls lie elsewhere.
        if (shape === "simulator" && flags.length > 0) continue
        const server = await serve(shape, sessions, 0)
        await run(exportTo(server.baseUrl, ...eight, ...flags))
        const written = await lines()
        if (written !== sessions) throw new Error(`${what}: ${written} lines`)
        found.push({ server: shape, served: await server.served() })
        await server.end()
      }
      const worse = found.toSorted((a, b) => b.served - a.served)[0]
      if (worse === undefined) continue
      const values = `${worse.served} / ${most}`
      const ratio = (worse.served / most).toFixed(2)
      report({ what: `requests, ${what}`, values, ratio, bar: `at most ${most}`, server: worse.server })
    }
  })
  await bench("memory", async () => {
    const peaks = new Map<string, Array<{ readonly server: (typeof shapes)[number]; readonly values: Array<number> }>>()
    const outputs = {
      NDJSON: out,
      CSV: fileOf("out.csv"),
      SQLite: `sqlite:${fileOf("out.db")}`,
      "NDJSON by pages": out
    }
    for (const shape of shapes) {
      for (const sessions of [100_000, 300_000]) {
        const { baseUrl, end } = await serve(shape, sessions, 0)
        for (const [name, output] of Object.entries(outputs)) {
          const { megabytes } = await run(to(output, baseUrl, ...(name.endsWith("pages") ? byPages : [])))
          const all = peaks.get(name) ?? []
          peaks.set(name, all)
          const known = all.find(({ server }) => server === shape)
          if (known === undefined) all.push({ server: shape, values: [megabytes] })
          else known.values.push(megabytes)
        }
        await end()
      }
    }
    for (const [name, all] of peaks) {
      const worse = all.toSorted((a, b) => (b.values[1] ?? 0) - (a.values[1] ?? 0))[0]
      const [small = 0, large = 0] = worse?.values ?? []
      report({
        what: `peak memory to ${name}, 300,000 / 100,000`,
        values: `${large.toFixed(0)} MB / ${small.toFixed(0)} MB`,
        ratio: (large / small).toFixed(2),
        bar: name.endsWith("pages") ? "" : "300 MB, at most 1.1",
        ...(worse === undefined ? {} : { server: worse.server })
      })
    }
  })
  await bench("sql", async () => {
    const rates = new Map<string, Array<Rate & { readonly server: (typeof shapes)[number] }>>()
    for (const shape of shapes) {
      const server = await serve(shape, 60_000, 0)
      const script = join(import.meta.dirname, "sql.ts")
      const text = execFileSync(process.execPath, [script, server.baseUrl], { encoding: "utf8", env })
      await server.end()
      for (const rate of JSON.parse(text) as ReadonlyArray<Rate>) {
        const { ratio, what, work } = rate
        console.log(
          `  ${shape}, ${what}: ${ratio.toFixed(3)}; the sink's processor time ${work.toFixed(2)} of the driver's`
        )
        rates.set(what, [...(rates.get(what) ?? []), { ...rate, server: shape }])
      }
    }
    for (const [what, all] of rates) {
      const worse = all.toSorted((a, b) => a.ratio - b.ratio)[0]
      if (worse === undefined) continue
      const { ours, ratio, server, theirs } = worse
      const values = `${Math.round(ours).toLocaleString("en")} / ${Math.round(theirs).toLocaleString("en")} rows/s`
      report({
        what: `${what}: rows a second, the sink / its driver alone`,
        values,
        ratio: ratio.toFixed(2),
        bar: "at least 0.85",
        server
      })
    }
  })
  await bench("virtual", async () => {
    for (const sessions of [20_000, 100_000, 1_000_000]) {
      const [first, ...more] = [true, false].map((queued) => virtual({ sessions, latency: 50, concurrency: 8, queued }))
      if (first === undefined) continue
      const { requests, virtualSeconds } = more.reduce((a, b) => (a.virtualSeconds > b.virtualSeconds ? a : b), first)
      const ideal = (requests * 0.05) / 8
      report({
        what: `${sessions.toLocaleString("en")} proven in virtual time, 50 ms, 8 at once: requests × latency / 8 / time`,
        values: `${ideal.toFixed(2)} s / ${virtualSeconds.toFixed(2)} s`,
        ratio: (ideal / virtualSeconds).toFixed(2),
        bar: sessions === 1_000_000 ? "at least 0.95" : ""
      })
    }
  })
  await bench("rate", async () => {
    for (const [rate, sessions, limitedEvery] of [
      [20, 100_000, undefined],
      [100, 100_000, undefined],
      [20, 100_000, 500]
    ] as const) {
      const asked = { sessions, latency: 50, concurrency: 8, rate }
      const { limited, requests, virtualSeconds } = virtual(
        limitedEvery === undefined ? asked : { ...asked, limitedEvery }
      )
      const when = limitedEvery === undefined ? "" : `, and a 429 for every ${limitedEvery}th nevertheless`
      report({
        what: `--rate ${rate} against a limit of ${rate}${when}: share of it used; answered 429`,
        values: `${requests} in ${virtualSeconds.toFixed(1)} s; ${limited}`,
        ratio: (requests / virtualSeconds / rate).toFixed(3),
        bar: "at least 0.95; below 1 in 100"
      })
    }
  })
  await bench("shell", () =>
    races(20_000, 0, [
      {
        what: "20,000 proven / curl and jq",
        bar: "",
        ours: exportTo,
        theirs: shell,
        runs: 1,
        expect: 20_000
      }
    ]))
  table()
} finally {
  clear()
}
