/**
 * Loaded into the command with `node --import`: counts what it does to its files and to stdout, and kills the process at
 * one of these calls. The product knows nothing of it.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import net from "node:net"
import { basename, dirname } from "node:path"

/** Which call, on what, when in it, and how often before. */
export interface KillPoint {
  readonly op: string
  readonly on: string
  readonly phase: "before" | "midway" | "after"
  /** From 1. */
  readonly nth: number
}

/** What the process leaves behind: where it was killed, or how often it did what before it ended. */
export interface Trace {
  readonly killed?: KillPoint
  readonly counts: Readonly<Record<string, number>>
}

/** Names of the environment variables. */
export const variables = { point: "CALLSTREAM_TEST_KILL", trace: "CALLSTREAM_TEST_TRACE" } as const

type Callback = (...results: ReadonlyArray<unknown>) => void
type Call = (...args: ReadonlyArray<unknown>) => unknown

const placeOf = (path: unknown): string | undefined => {
  if (typeof path !== "string") return undefined
  const name = basename(path)
  const parts: ReadonlyArray<readonly [RegExp, string]> = [
    [/\.lock(\.|$)/, "lock"],
    [/\.json\.[0-9a-f-]{36}\.\d+\.tmp$/, "checkpoint"],
    [/\.manifest\.json/, "manifest"],
    [/^salt(\.|$)/, "salt"],
    [/^coverage\.json/, "coverage"],
    [/dead-letters\.ndjson$/, "dead-letters"],
    [/\.rows-\d+\.partial/, "waiting"],
    [/^calls/, "data"]
  ]
  if (/^webhook-[0-9a-f]{16}$/.test(name) || /^webhook-[0-9a-f]{16}$/.test(basename(dirname(path)))) return "spool"
  if (dirname(path).endsWith(".callstream") && name.endsWith(".json")) return "checkpoint"
  if (name === ".callstream" || path === "." || path === process.cwd()) return "folder"
  return parts.find(([shape]) => shape.test(name))?.[1]
}

const install = (point: KillPoint | undefined, trace: string) => {
  const calls = fs as unknown as Record<string, Call>
  const counts: Record<string, number> = {}
  const handles = new Map<unknown, string>()
  const leave = (killed?: KillPoint) =>
    fs.writeFileSync(trace, JSON.stringify({ counts, ...(killed === undefined ? {} : { killed }) } satisfies Trace))
  const kill = () => {
    leave(point)
    process.kill(process.pid, "SIGKILL")
  }
  /** Counts a call, and says in which phase of it the process is to be killed, if in this one. */
  const count = (op: string, on: string): KillPoint["phase"] | undefined => {
    const key = `${op} ${on}`
    counts[key] = (counts[key] ?? 0) + 1
    return point?.op === op && point.on === on && point.nth === counts[key] ? point.phase : undefined
  }

  const wrap = (
    op: string,
    place: (args: ReadonlyArray<unknown>) => string | undefined,
    more: {
      midway?: (args: ReadonlyArray<unknown>) => void
      seen?: (on: string | undefined, result: unknown) => void
    } = {}
  ) => {
    const original = calls[op]
    if (original === undefined) throw new Error(`node:fs has no ${op}`)
    calls[op] = (...args) => {
      const on = place(args)
      const phase = on === undefined ? undefined : count(op, on)
      if (phase === "before") kill()
      if (phase === "midway") {
        more.midway?.(args)
        kill()
      }
      const done = args.at(-1) as Callback
      return original(...args.slice(0, -1), (...results: ReadonlyArray<unknown>) => {
        if (phase === "after") kill()
        if (results[0] === null || results[0] === undefined) more.seen?.(on, results[1])
        done(...results)
      })
    }
  }
  const byHandle = ([handle]: ReadonlyArray<unknown>) => handles.get(handle)
  wrap("open", ([path]) => placeOf(path), {
    seen: (on, handle) => {
      if (on === undefined) handles.delete(handle)
      else handles.set(handle, on)
    }
  })
  wrap("write", byHandle, {
    midway: ([handle, buffer, , , position]) => {
      const bytes = buffer as Uint8Array
      fs.writeSync(handle as number, bytes, 0, Math.ceil(bytes.length / 2), (position as number | undefined) ?? null)
    }
  })
  wrap("fsync", byHandle)
  wrap("ftruncate", byHandle)
  wrap("rename", ([, to]) => placeOf(to))
  wrap("link", ([, to]) => placeOf(to))
  wrap("rm", ([path]) => placeOf(path))
  syncBuiltinESMExports()

  const { StatementSync } = process.getBuiltinModule("node:sqlite")
  const statements = StatementSync.prototype as unknown as Record<string, Call>
  const all = statements["all"]
  if (all === undefined) throw new Error("node:sqlite has no statements")
  statements["all"] = function (this: { readonly sourceSQL: string }, ...args) {
    const word = /^(BEGIN|INSERT|COMMIT|CREATE)\b/.exec(this.sourceSQL)?.[1]
    const phase = word === undefined ? undefined : count(word.toLowerCase(), "table")
    if (phase === "before") kill()
    const rows = all.call(this, ...args)
    if (phase === "after") kill()
    return rows
  }

  // What is said to a PostgreSQL server: sent, it is done there, whether or not anybody hears the answer.
  const sockets = net.Socket.prototype as unknown as Record<string, Call>
  const send = sockets["write"]
  if (send === undefined) throw new Error("node:net has no sockets")
  sockets["write"] = function (this: net.Socket, ...args) {
    const [data] = args
    const text = data instanceof Uint8Array && data.length < 1000 ? Buffer.from(data).toString("latin1") : ""
    const word = /\b(BEGIN|COMMIT)\0/.exec(text)?.[1]
    const phase = word === undefined ? undefined : count(word.toLowerCase(), "server")
    if (phase === "before") kill()
    const sent = send.call(this, ...args)
    if (phase === "after") kill()
    return sent
  }

  const { stdout } = process
  const write = stdout.write.bind(stdout) as Call
  stdout.write = ((...args: ReadonlyArray<unknown>) => {
    const phase = count("write", "stdout")
    if (phase === "before") kill()
    if (phase === "midway") {
      const text = String(args[0])
      fs.writeSync(1, text.slice(0, Math.ceil(text.length / 2)))
      kill()
    }
    const result = write(...args)
    if (phase === "after") kill()
    return result
  }) as typeof stdout.write

  process.on("exit", () => leave())
}

const { [variables.point]: point, [variables.trace]: trace } = process.env
if (trace !== undefined) install(point === undefined ? undefined : (JSON.parse(point) as KillPoint), trace)
