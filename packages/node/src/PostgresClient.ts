/**
 * PostgreSQL as an `effect/sql` client, from a URL as libpq reads it.
 *
 * @since 0.1.0
 */
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import type { PgPoolConfig } from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { readFileSync } from "node:fs"
import { isIP } from "node:net"
import { userInfo } from "node:os"
import type { ConnectionOptions } from "node:tls"

/**
 * Which database, and as whom.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * `postgres://user:password@host:port/database?sslmode=verify-full`. The parameters `host`, `port`, `user`, `dbname`,
   * `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `connect_timeout`, `application_name` and `options` mean what they mean
   * to libpq.
   */
  readonly url: Redacted.Redacted
  /** Used when the URL has none, such as that of `PGPASSWORD`. @default none */
  readonly password?: Redacted.Redacted | undefined
  /** Connections at most. @default 2 */
  readonly maxConnections?: number | undefined
  /**
   * How long a transaction may wait for its next statement. Then the server ends it, and the connection: what a process
   * locked that was frozen, or cut off from the network, is free again. @default the server's own setting
   */
  readonly idleInTransaction?: Duration.Input | undefined
}

/**
 * Why a URL says no database.
 *
 * - `Scheme`: it does not begin with `postgres://`.
 * - `Unreadable`: it is no URL, as where a password is not percent-encoded.
 * - `Fragment`: it has a `#`.
 * - `Encoding`: it has a `%` that is no percent-encoding.
 * - `Parameter`: it has a parameter that is not known here.
 * - `Port`, `SslMode`, `ConnectTimeout`: the value is none.
 *
 * @since 0.1.0
 * @category schemas
 */
export const PostgresUrlReason = Schema.Union([
  Schema.TaggedStruct("Scheme", {}),
  Schema.TaggedStruct("Unreadable", {}),
  Schema.TaggedStruct("Fragment", {}),
  Schema.TaggedStruct("Encoding", {}),
  Schema.TaggedStruct("Parameter", { name: Schema.String }),
  Schema.TaggedStruct("Port", {}),
  Schema.TaggedStruct("SslMode", { modes: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("ConnectTimeout", {})
])

/**
 * @since 0.1.0
 * @category models
 */
export type PostgresUrlReason = typeof PostgresUrlReason.Type

const describe = (reason: PostgresUrlReason): string => {
  switch (reason._tag) {
    case "Scheme":
      return "the URL does not begin with postgres://"
    case "Unreadable":
      return "the URL cannot be read"
    case "Fragment":
      return "the URL has a #"
    case "Encoding":
      return "the URL has a % that is no percent-encoding"
    case "Parameter":
      return `the URL has the parameter ${reason.name}, which is not supported`
    case "Port":
      return "the URL's port is no number from 1 to 65535"
    case "SslMode":
      return `the URL's sslmode is none of ${reason.modes.join(", ")}`
    case "ConnectTimeout":
      return "the URL's connect_timeout is no number of seconds"
  }
}

/**
 * A URL that says no database. Its fields and its message do not repeat the URL.
 *
 * @since 0.1.0
 * @category errors
 */
export class PostgresUrlError extends Schema.TaggedError<PostgresUrlError>()("PostgresUrlError", {
  reason: PostgresUrlReason
}) {
  /** The mistake, in one sentence without a capital and a full stop. */
  get description(): string {
    return describe(this.reason)
  }
  override get message(): string {
    return this.description
  }
}

/**
 * How a connection is encrypted, as `sslmode` says: `disable` not at all; `prefer`, the default, and `allow` when the
 * server can, and without knowing who it is; `require` always, also without knowing; `verify-ca` with a certificate of a
 * known authority; `verify-full` with one for this very host.
 *
 * @since 0.1.0
 * @category models
 */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full"

/**
 * What a URL says, the password apart.
 *
 * @since 0.1.0
 * @category models
 */
export interface Target {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
  readonly password: Redacted.Redacted | undefined
  readonly sslMode: SslMode
  /** PEM files. */
  readonly sslRootCert: string | undefined
  readonly sslCert: string | undefined
  readonly sslKey: string | undefined
  /** In seconds; 0 for ever. */
  readonly connectTimeout: number
  readonly applicationName: string
  readonly options: string | undefined
}

const sslModes: ReadonlyArray<SslMode> = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

const parameters = new Set([
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "connect_timeout",
  "application_name",
  "options"
])

/**
 * Reads a URL. One that asks for what is not done here is refused, because to leave out a parameter that protects would
 * be worse.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (url: Redacted.Redacted): Result.Result<Target, PostgresUrlError> => {
  const refuse = (reason: PostgresUrlReason) => Result.fail(new PostgresUrlError({ reason }))
  const text = Redacted.value(url)
  if (!/^postgres(ql)?:\/\//i.test(text)) return refuse({ _tag: "Scheme" })
  if (!URL.canParse(text)) return refuse({ _tag: "Unreadable" })
  const { hash, hostname, password, pathname, port, searchParams, username } = new URL(text)
  if (hash !== "") return refuse({ _tag: "Fragment" })
  const unknown = [...searchParams.keys()].find((key) => !parameters.has(key))
  if (unknown !== undefined) return refuse({ _tag: "Parameter", name: unknown })
  const decoded = (part: string): string | undefined => {
    try {
      return decodeURIComponent(part)
    } catch {
      return undefined
    }
  }
  const parts = [hostname, username, password, pathname.slice(1)].map(decoded)
  if (parts.includes(undefined)) return refuse({ _tag: "Encoding" })
  const [host = "", user = "", secret = "", name = ""] = parts
  const said = (key: string, instead: string) => {
    const value = searchParams.get(key)
    return value === null || value === "" ? instead : value
  }
  const portNumber = Number(said("port", port === "" ? "5432" : port))
  if (!Number.isInteger(portNumber) || portNumber < 1 || portNumber > 65_535) return refuse({ _tag: "Port" })
  const mode = said("sslmode", "prefer")
  const sslMode = sslModes.find((one) => one === mode)
  if (sslMode === undefined) return refuse({ _tag: "SslMode", modes: sslModes })
  const connectTimeout = Number(said("connect_timeout", "10"))
  if (!Number.isInteger(connectTimeout) || connectTimeout < 0) return refuse({ _tag: "ConnectTimeout" })
  const as = said("user", user === "" ? userInfo().username : user)
  const hidden = said("password", secret)
  const bare = host.startsWith("[") ? host.slice(1, -1) : host
  return Result.succeed({
    host: said("host", bare === "" ? "localhost" : bare),
    port: portNumber,
    database: said("dbname", name === "" ? as : name),
    username: as,
    password: hidden === "" ? undefined : Redacted.make(hidden),
    sslMode,
    sslRootCert: searchParams.get("sslrootcert") ?? undefined,
    sslCert: searchParams.get("sslcert") ?? undefined,
    sslKey: searchParams.get("sslkey") ?? undefined,
    connectTimeout,
    applicationName: said("application_name", "callstream"),
    options: searchParams.get("options") ?? undefined
  })
}

/** The options that make Node do what libpq does. `require` with an authority at hand verifies, too. */
const tlsOf = ({ host, sslCert, sslKey, sslMode, sslRootCert }: Target): ConnectionOptions => {
  const system = sslRootCert === undefined || sslRootCert === "system"
  const verified = sslMode === "verify-full" || sslMode === "verify-ca" || !system
  return {
    rejectUnauthorized: verified,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(system ? {} : { ca: readFileSync(sslRootCert) }),
    ...(sslCert === undefined ? {} : { cert: readFileSync(sslCert) }),
    ...(sslKey === undefined ? {} : { key: readFileSync(sslKey) }),
    ...(sslMode === "verify-full" ? {} : { checkServerIdentity: () => undefined })
  }
}

const unreadable = (cause: unknown) =>
  new SqlError({
    reason: new ConnectionError({ cause, message: "a file with a certificate cannot be read", operation: "connect" })
  })

/**
 * A client. It connects when it is first used, and again when a connection was lost; the error of a lost one is that of
 * the statement in progress. A broken certificate, a wrong password and the like are `SqlError`s of that moment.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SqlClient.SqlClient, SqlError | PostgresUrlError, Scope.Scope | Reactivity.Reactivity> {
  const target = yield* Effect.fromResult(parse(options.url))
  const config = {
    host: target.host,
    port: target.port,
    database: target.database,
    username: target.username,
    password: target.password ?? options.password,
    applicationName: target.applicationName,
    startupOptions: target.options,
    connectTimeout: target.connectTimeout === 0 ? "Infinity" : `${target.connectTimeout} seconds`,
    keepAlive: "30 seconds",
    maxConnections: options.maxConnections ?? 2,
    ...(options.idleInTransaction === undefined
      ? {}
      : {
          startupParameters: {
            idle_in_transaction_session_timeout: `${Math.round(Duration.toMillis(Duration.fromInputUnsafe(options.idleInTransaction)))}ms`
          }
        })
  } as const satisfies PgPoolConfig
  // Loaded here: programs with other outputs start without the driver.
  const PgClient = yield* Effect.promise(() => import("@effect/sql-pg/PgClient"))
  const connect = (ssl: ConnectionOptions | false) => PgClient.make({ ...config, ssl })
  if (target.sslMode === "disable") return yield* connect(false)
  const tls = yield* Effect.try({ try: () => tlsOf(target), catch: unreadable })
  if (target.sslMode !== "prefer" && target.sslMode !== "allow") return yield* connect(tls)
  return yield* connect((yield* offersTls(connect(tls))) ? tls : false)
})

/** The driver can do without TLS only where it would verify the server, which `prefer` does not ask for. */
const offersTls = <R>(connect: Effect.Effect<SqlClient.SqlClient, SqlError, R>) =>
  Effect.scoped(Effect.flatMap(connect, (sql) => sql.reserve)).pipe(
    Effect.as(true),
    Effect.catchIf(refusedTls, () => Effect.succeed(false))
  )

const refusedTls = (error: SqlError): boolean => {
  const failure = SqlFailure.of(error)
  return failure._tag === "Server" && failure.problem === "NoTls"
}

/**
 * The client as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError | PostgresUrlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
