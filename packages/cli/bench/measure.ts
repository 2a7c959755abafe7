/** What the parts of the bench share: servers, whole processes, and pairs of them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

export const cli = join(import.meta.dirname, "../dist/callstream.mjs")
const folder = mkdtempSync(join(tmpdir(), "callstream-bench-"))
export const clear = () => rmSync(folder, { recursive: true, force: true })
export const fileOf = (name: string) => join(folder, name)
export const out = fileOf("out.ndjson")
export const env = { ...process.env, AGNI_API_KEY: "agni_test_key" }

/**
 * Who answers. `simulator`: the project's own, whose calls are created in another order than they start. `quiet`: a server
 * that shares no code with the project, whose calls are created when they start.
 */
export type Shape = "simulator" | "quiet"
export const shapes: ReadonlyArray<Shape> = ["simulator", "quiet"]

export interface Server {
  readonly baseUrl: string
  /** Requests since it was last asked. */
  readonly served: () => Promise<number>
  readonly end: () => Promise<void>
}

/** @param latency Milliseconds before each answer. */
export const serve = async (shape: Shape, sessions: number, latency: number): Promise<Server> => {
  const script = shape === "simulator" ? "server.ts" : "quiet.ts"
  const server: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, script), String(sessions), String(latency), "1"],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  if (server.stdout === null) throw new Error("the server has no output")
  const [line] = await once(createInterface({ input: server.stdout }), "line")
  const baseUrl = String(line)
  return {
    baseUrl,
    served: async () => Number(await (await fetch(`${baseUrl}/served`)).text()),
    end: async () => {
      const ended = once(server, "close")
      server.kill()
      await ended
    }
  }
}

export interface Ran {
  readonly seconds: number
  /** Processor time, of all its threads. */
  readonly work: number
  readonly megabytes: number
}

/** Behind the name of the program, which may hold spaces: the 14th and 15th of its fields, in hundredths of a second. */
const times = /\) (?:\S+ ){11}(\d+) (\d+)/
const ticks = 100

/** A whole process, from its start to its end; the outputs that an earlier one left are removed first. */
export const run = async (command: ReadonlyArray<string>): Promise<Ran> => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const started = performance.now()
  const [program = "", ...args] = command
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] })
  let errors = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
  let peak = 0
  let work = 0
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
      const [, user = "0", system = "0"] = times.exec(readFileSync(`/proc/${child.pid}/stat`, "utf8")) ?? []
      work = (Number(user) + Number(system)) / ticks
    } catch {
      // It has just ended, or this system has no /proc: the peak stays what was seen.
    }
  }, 20)
  await once(child, "close")
  clearInterval(watch)
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")} exited with ${child.exitCode}: ${errors}`)
  return { seconds: (performance.now() - started) / 1000, work, megabytes: peak / 1024 }
}

export const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** The file is read in pieces: a million sessions are longer than a string can be. */
export const lines = async () => {
  if (!existsSync(out)) return 0
  let count = 0
  for await (const chunk of createReadStream(out)) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count++
  }
  return count
}

export interface Compared {
  /** Ours by theirs: the median of the pairs. */
  readonly ratio: number
  /** The same of their processor time. */
  readonly work: number
  readonly ours: number
  readonly theirs: number
}

/** Two commands in turn, so that a machine that changes its speed does so to both. */
export const compare = async (
  what: string,
  ours: ReadonlyArray<string>,
  theirs: ReadonlyArray<string>,
  options: { readonly runs: number; readonly expect?: number | "same" }
): Promise<Compared> => {
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
  const seconds = (side: 0 | 1) => median(pairs.map((pair) => pair[side].seconds))
  return {
    ratio: median(pairs.map(([a, b]) => a.seconds / b.seconds)),
    work: median(pairs.map(([a, b]) => a.work / b.work)),
    ours: seconds(0),
    theirs: seconds(1)
  }
}

interface Row {
  readonly what: string
  readonly values: string
  readonly ratio: string
  readonly bar: string
  /** Which server gave the worse figure. */
  readonly server: Shape | ""
}

const rows: Array<Row> = []

export const report = (row: Omit<Row, "server"> & { readonly server?: Shape }): void => {
  rows.push({ server: "", ...row })
  console.log(`${row.what}: ${row.values}${row.ratio === "" ? "" : `, ${row.ratio}`} (${row.bar})`)
}

export const table = () => console.table(rows)
