/** Runs of a pipeline over a list API that are killed at a commit, and resume with what the checkpoint and the table kept. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { Checkpoint, State } from "@callstream/core/checkpoint/Checkpoint"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import * as Rows from "@callstream/core/model/Rows"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import type { SessionSink } from "@callstream/core/sink/SessionSink"
import * as HistorySource from "@callstream/core/source/HistorySource"
import * as Transform from "@callstream/core/transform/Transform"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as ListServer from "../history/ListServer.ts"
import { settle } from "../history/Walking.ts"
import * as Parts from "../pipeline/Parts.ts"
import type * as HistoryCase from "../torture/HistoryCase.ts"

const decodeState = Schema.decodeUnknownSync(Schema.fromJsonString(State))

/** Kills the run at its nth commit, before or after the state is saved, or before the save that comes after so many flushes of the table. */
export type Kill = { readonly commit: number; readonly before: boolean } | { readonly flushes: number }

/** @param others Sinks beside it, of which one may fail alone. */
export const world = (table: SessionSink<CallSession>, others: ReadonlyArray<SessionSink<CallSession>> = []) => {
  let saved: string | undefined
  /** How far the table has each part, whatever the state says. */
  const reached = new Map<string, Position.Cursor>()
  let flushes = 0
  const sink: typeof table = {
    ...table,
    open: (opening) =>
      Effect.map(table.open(opening), (writer) => ({
        ...writer,
        flush: (at) =>
          Effect.tap(writer.flush(at), () =>
            Effect.sync(() => {
              flushes++
              reached.set(opening.pipeline, at)
            })
          )
      }))
  }
  const listed = new Set<string>()
  const checkpoint = (kill: Kill | undefined): Checkpoint["Service"] => {
    let commits = 0
    flushes = 0
    return {
      open: () =>
        Effect.succeed({
          epoch: 1,
          state: saved === undefined ? Option.none<State>() : Option.some(decodeState(saved)),
          commit: (state: State) => {
            commits++
            const save = Effect.sync(() => void (saved = JSON.stringify(state)))
            if (kill === undefined) return save
            if ("flushes" in kill) return flushes >= kill.flushes ? Effect.die("killed") : save
            if (commits !== kill.commit) return save
            return kill.before ? Effect.die("killed") : Effect.andThen(save, Effect.die("killed"))
          }
        })
    }
  }
  const run = Effect.fnUntraced(function* (
    server: ReturnType<typeof ListServer.make>,
    source: HistorySource.Options,
    range: Parameters<typeof HistorySource.make>[0],
    stretches: number,
    kill?: Kill
  ) {
    const made = yield* Effect.provideService(
      AgniClient.make({ apiKey: Redacted.make("key") }),
      HttpClient.HttpClient,
      server.client
    )
    const client = AgniClient.of({
      ...made,
      list: (...asked) =>
        Effect.tap(made.list(...asked), ({ rows }) =>
          Effect.sync(() => {
            for (const { id } of Rows.items(rows)) listed.add(id)
          })
        )
    })
    const pipeline = Pipeline.make({
      name: "calls",
      source: HistorySource.make(range, source),
      transform: Transform.identity<CallSession>(),
      sinks: [sink, ...others],
      onSinkFailure: others.length > 0 ? "continue" : "stop",
      deadLetters: Parts.letterBox().sink,
      stretches,
      commitEvery: 0
    })
    const exit = yield* settle(
      Effect.exit(pipeline.run()).pipe(
        Effect.provideService(AgniClient, client),
        Effect.provideService(Checkpoint, checkpoint(kill)),
        Random.withSeed(1)
      )
    )
    return { exit, requests: server.requests() }
  })
  const lose = (field: keyof State) => {
    saved = JSON.stringify(Struct.omit(decodeState(saved ?? ""), [field]))
  }
  /** What the table has, and the state does not know of: a range of starts of each part. */
  const ahead = () => {
    const state = saved === undefined ? undefined : decodeState(saved)
    const parts = state?.stretches?.map(({ range, sinks }) => ({
      name: `calls stretch ${range.from}-${range.to}`,
      from: sinks[table.name]?.at ?? Position.of(range.from),
      end: range.to
    })) ?? [{ name: "calls", from: state?.sinks[table.name]?.at ?? Position.of(0), end: Infinity }]
    return parts.flatMap(({ end, from, name }) => {
      const at = reached.get(name)
      const to = at === "end" ? end : (at ?? -Infinity)
      return from !== "end" && from < to ? [{ from, to }] : []
    })
  }
  return { run, listed, ahead, saved: () => saved ?? "", lose }
}

export type World = ReturnType<typeof world>

const horizon = ListServer.now * 1000 - 2 * 3_600_000_000

/** Of all that is old enough. */
export const verdictOf = ({ entries, withoutStart }: CoverageSet.CoverageSet) =>
  [
    ...entries.filter(({ range }) => range.from < horizon),
    ...(withoutStart === undefined ? [] : [withoutStart])
  ].reduce<CoverageSet.Verdict>((sum, { verdict }) => CoverageSet.weaker(sum, verdict), "proven")

export interface History {
  readonly rows: ReadonlyArray<ListServer.Row>
  readonly withoutStart: ReadonlyArray<string>
  readonly range: { readonly from?: Instant.Instant | undefined; readonly to?: Instant.Instant | undefined }
  readonly stretches: number
  readonly source: HistorySource.Options
}

export const drawn = ({ chance, next, pick }: ReturnType<typeof HistoryCase.random>): History => {
  const rows = ListServer.rowsOf(120 + Math.floor(next() * 240), pick("same", "queued"))
  const startOf = (share: number) => Instant.of((rows[Math.floor(share * rows.length)]?.start ?? 0) * 1000)
  const isBounded = chance(0.5)
  const withoutStart = chance(0.4) ? [5, 40, 41].map((at) => `call-${at}`) : []
  return {
    rows,
    withoutStart,
    range: isBounded ? { from: startOf(0.1), to: startOf(0.9) } : {},
    stretches: pick(1, 1, 2),
    source: { pageSize: 10, pagesPerWindow: 2, stretchSize: 60, concurrency: pick(1, 4) }
  }
}

/** The calls that a run is to bring. */
export const meantOf = ({ range: { from, to }, rows, withoutStart }: History) => {
  const isIn = (at: number) => at * 1000 >= (from ?? -Infinity) && at * 1000 < (to ?? Infinity)
  return rows.filter(({ created, id, start }) => isIn(withoutStart.includes(id) ? created : start))
}
