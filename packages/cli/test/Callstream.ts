/** The command as people run it, a child process, against servers in this one. */
import { AgniSimulator } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { serve } from "../src/command/SimulateCommand.ts"
import * as Bundle from "./Bundle.ts"
import * as Hosts from "./Hosts.ts"
import { youngHeap } from "./YoungHeap.ts"

export type { Ran } from "./Hosts.ts"

/** Nothing of the machine's own: no key, no proxy, no colours. */
const environment = {
  PATH: [dirname(process.execPath), process.env["PATH"]].join(process.platform === "win32" ? ";" : ":"),
  TMPDIR: tmpdir()
}

/** Tests that wait for children wait side by side. */
export const alongside = { concurrent: true }

export interface Options {
  /** Goes on top of an environment that holds the simulator's key. `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly cwd?: string | undefined
  /** A shell's command line, in which `"$@"` is the command. */
  readonly shell?: string | undefined
  readonly stdio?: StdioOptions | undefined
}

export interface Running {
  readonly child: ChildProcess
  readonly stderr: () => string
  readonly stdout: () => string
  readonly ended: Effect.Effect<Hosts.Ran>
}

/** Starts the command; it is killed with the scope if it is still there, which ends when the process has ended. */
export const start = (
  args: ReadonlyArray<string>,
  { cwd, env = {}, shell, stdio = ["ignore", "pipe", "pipe"] }: Options = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(Effect.promise(Bundle.callstream), (file): Running => {
      const command = [process.execPath, ...youngHeap, file, ...args]
      const child = spawn(
        shell === undefined ? process.execPath : "/bin/sh",
        shell === undefined ? command.slice(1) : ["-c", shell, "sh", ...command],
        {
          cwd: cwd ?? tmpdir(),
          env: { ...environment, NODE_COMPILE_CACHE: Bundle.compileCache(), AGNI_API_KEY: "agni_test_key", ...env },
          stdio
        }
      )
      let stdout = ""
      let stderr = ""
      child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text))
      child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      const closed = new Promise<Hosts.Ran>((resolve) =>
        child.once("close", (code) => resolve({ code, stdout, stderr }))
      )
      return { child, stdout: () => stdout, stderr: () => stderr, ended: Effect.promise(() => closed) }
    }),
    ({ child }) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )

/** Runs the command to its end in a process of its own. */
const alone = (args: ReadonlyArray<string>, options?: Options): Effect.Effect<Hosts.Ran> =>
  Effect.scoped(Effect.flatMap(start(args, options), ({ ended }) => ended))

/**
 * Runs the command to its end, in a process that ran others. It gets its own where a shell, other outputs or what Node reads
 * when it starts are asked for.
 */
export const callstream = (args: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Hosts.Ran> => {
  const { cwd = tmpdir(), env = {}, shell, stdio } = options
  const isOfNode = Object.keys(env).some((name) => name.startsWith("NODE_"))
  if (shell !== undefined || stdio !== undefined || isOfNode) return alone(args, options)
  const all: NonNullable<Options["env"]> = { ...environment, AGNI_API_KEY: "agni_test_key", ...env }
  const set = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return Hosts.command({ args, cwd, env: Object.fromEntries(set) })
}

/** Waits until it is so. */
export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.repeat(Effect.delay(Effect.sync(holds), "10 millis"), { until: (held) => held }).pipe(
    Effect.timeoutOrElse({
      duration: "1 minute",
      orElse: () => Effect.die(new Error(`not within a minute: ${String(holds)}`))
    }),
    Effect.asVoid
  )

/** A folder of the test's own. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "callstream-test-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export interface Simulation {
  readonly simulator: AgniSimulator.AgniSimulator
  readonly url: string
  /** `callstream` with the simulator's address. */
  readonly run: (args: ReadonlyArray<string>, options?: Options) => Effect.Effect<Hosts.Ran>
  readonly start: (args: ReadonlyArray<string>, options?: Options) => Effect.Effect<Running, never, Scope.Scope>
}

const at = (url: string, options: Options = {}): Options => ({
  ...options,
  env: { AGNI_BASE_URL: url, ...options.env }
})

/** A simulator on a loopback port. */
export const simulation = Effect.fnUntraced(function* (
  options: AgniSimulator.Options = {}
): Effect.fn.Return<Simulation, never, Scope.Scope> {
  const simulator = yield* AgniSimulator.make({ sessions: 25, ...options })
  const url = yield* Effect.orDie(serve(simulator, 0))
  return {
    simulator,
    url,
    run: (args, options) => callstream(args, at(url, options)),
    start: (args, options) => start(args, at(url, options))
  }
})

export interface HandMade {
  readonly url: string
  readonly requests: ReadonlyArray<IncomingMessage>
}

/** A server for answers that are not those of the endpoint. */
export const server = (
  answer: (request: IncomingMessage, response: ServerResponse) => void
): Effect.Effect<HandMade, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<HandMade & { readonly close: () => void }>((resume) => {
      const requests: Array<IncomingMessage> = []
      const listening = createServer((request, response) => {
        requests.push(request)
        answer(request, response)
      })
      listening.listen(0, "127.0.0.1", () => {
        const address = listening.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const close = () => {
          listening.close()
          listening.closeAllConnections()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, requests, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** Answers one page of these records, and then empty ones. */
export const records =
  (list: ReadonlyArray<unknown>) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const first = new URL(request.url ?? "/", "http://localhost").searchParams.get("page") === "1"
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ success: true, data: { callSessions: first ? list : [] } }))
  }

/** The values of NDJSON text. */
export const lines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

export const idsOf = (text: string): ReadonlyArray<unknown> => lines(text).map(({ id }) => id)
