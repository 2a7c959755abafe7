/**
 * The runs of a fleet: submit, look, cancel, retry. It needs the database only; workers do the rest.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { checkFleetName, FleetError, ofSql } from "./FleetError.ts"
import type { FleetRun, FleetRunDetails } from "./FleetRun.ts"
import * as FleetRows from "./internal/FleetRows.ts"
import * as Notifications from "./internal/Notifications.ts"
import * as Tables from "./internal/Tables.ts"

/**
 * Which fleet.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** 1 to 20 of a-z, 0-9 and _. @default "default" */
  readonly fleet?: string | undefined
}

/**
 * Of a run that is submitted.
 *
 * @since 0.1.0
 * @category options
 */
export interface SubmitOptions {
  /** Whose calls they are. @default the run has none */
  readonly organization?: string | undefined
}

/**
 * A fleet, seen from outside. A name means the newest run that has it.
 *
 * @since 0.1.0
 * @category services
 */
export class Fleet extends Context.Service<
  Fleet,
  {
    /** Workers begin it at once, or within five seconds where no notification reaches them. The spec has names of secrets, never secrets. Returns the id of the run. */
    readonly submit: (name: string, spec: Schema.Json, options?: SubmitOptions) => Effect.Effect<string, FleetError>
    /** So many runs at most, the newest first. @default 100 */
    readonly runs: (limit?: number) => Effect.Effect<ReadonlyArray<FleetRun>, FleetError>
    readonly run: (name: string) => Effect.Effect<FleetRunDetails, FleetError>
    /** The run whenever it has changed, up to its end. It looks once a second, and as soon as the state of the run changes. */
    readonly watch: (name: string) => Stream.Stream<FleetRunDetails, FleetError>
    /** A worker that reads a part of it stops at its next commit. What is committed stays. */
    readonly cancel: (name: string) => Effect.Effect<void, FleetError>
    /** Resumes a run that failed or was cancelled: what is delivered is not read again. */
    readonly retry: (name: string) => Effect.Effect<void, FleetError>
  }
>()("@callstream/cluster/Fleet") {}

/**
 * Whether a run has ended.
 *
 * @since 0.1.0
 * @category reading
 */
export const hasEnded = ({ state }: Pick<FleetRun, "state">): boolean => state !== "planned" && state !== "running"

/** Waits until the state of a run changes, or a second. One connection serves all who wait. */
const changes = Effect.fnUntraced(function* (client: SqlClient.SqlClient, fleet: string) {
  const changed = yield* PubSub.unbounded<string>()
  const publish = (runs: ReadonlyArray<{ readonly run: string }>) =>
    Effect.asVoid(
      PubSub.publishAll(
        changed,
        runs.map(({ run }) => run)
      )
    )
  const scope = yield* Effect.scope
  const listening = yield* Effect.cached(Effect.forkIn(Notifications.listen(client, fleet, publish), scope))
  return Effect.gen(function* () {
    yield* listening
    const subscription = yield* PubSub.subscribe(changed)
    return (id: string) =>
      Effect.raceFirst(
        Effect.repeat(PubSub.take(subscription), { until: (run) => run === id }),
        Effect.sleep("1 second")
      )
  })
})

/**
 * The service. Makes the tables of fleets, if they are missing. While somebody watches a run it has one connection to listen.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Fleet["Service"], FleetError, SqlClient.SqlClient | Scope.Scope> {
  const fleet = yield* checkFleetName(options.fleet ?? "default")
  yield* Effect.mapError(Tables.migrate, ofSql)
  const client = yield* SqlClient.SqlClient
  const sql = client.withoutTransforms()
  const subscribe = yield* changes(client, fleet)
  const run = (name: string) => FleetRows.details(sql, fleet, name)
  return Fleet.of({
    submit: Effect.fnUntraced(function* (name, spec, { organization } = {}) {
      if (name === "" || name.length > 200) return yield* new FleetError({ reason: { _tag: "RunName", name } })
      const id = yield* FleetRows.insert(sql, { fleet, name, spec, organization })
      return id ?? (yield* new FleetError({ reason: { _tag: "Open", name } }))
    }),
    runs: (limit = 100) => FleetRows.list(sql, fleet, limit),
    run,
    watch: (name) =>
      Effect.map(Effect.all([subscribe, run(name)]), ([changed, first]) =>
        Stream.concat(Stream.succeed(first), Stream.fromEffectRepeat(Effect.andThen(changed(first.id), run(name))))
      ).pipe(
        Stream.unwrap,
        Stream.changesWith((before, after) => JSON.stringify(before) === JSON.stringify(after)),
        Stream.takeUntil(hasEnded)
      ),
    cancel: (name) => FleetRows.cancel(sql, fleet, name),
    retry: (name) => FleetRows.retry(sql, fleet, name)
  })
})

/**
 * The service as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Fleet, FleetError, SqlClient.SqlClient> =>
  Layer.effect(Fleet, make(options))
