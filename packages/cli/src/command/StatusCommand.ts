/** `callstream status` and `callstream why`: what a sync knows, without a request. */
import { Ledger, Verdict } from "@callstream/core"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { flags, type FlagValues, onOff, one } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import * as Options from "../option/Options.ts"
import * as Run from "../option/RunOptions.ts"
import { place } from "../option/SyncOptions.ts"
import { Incomplete, UsageError } from "../option/UsageError.ts"
import * as Zone from "../option/Zone.ts"
import * as Database from "../option/Database.ts"
import { answer, toPrintable } from "../render/Screen.ts"
import * as SyncStatus from "../render/SyncStatus.ts"
import { wrapped } from "../render/Wrap.ts"
import * as LedgerPlace from "../run/LedgerPlace.ts"

/** The options of `status`. */
export const options = {
  ...place,
  maxLag: one(Kind.positiveDuration, "Exit with 3 unless every sink is complete up to this long ago, or later"),
  json: onOff("Print one line of JSON for each sync, on stdout")
}

/** The options of `why`. */
export const whyOptions = {
  name: { ...Options.run.name, help: "The sync to ask", fallback: "all of them" },
  ...place,
  json: onOff("Print one line of JSON, on stdout")
}

type Where = Partial<FlagValues<typeof place>>

/** Uses each sync of that name, or all of them; there must be one. */
const each = <A, E, R>(
  { state }: Where,
  name: string | undefined,
  use: (view: NonNullable<Effect.Success<ReturnType<Ledger["Service"]["view"]>>>) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    if (state !== undefined) yield* Database.refusePassword("state", [state])
    const where = Run.stateOf(state)
    const known: Array<string> = []
    const used: Array<A> = []
    for (const layer of yield* LedgerPlace.all(where, undefined)) {
      yield* Effect.gen(function* () {
        const ledger = yield* Ledger
        for (const one of yield* ledger.names) {
          known.push(one)
          if (name !== undefined && one !== name) continue
          const view = yield* ledger.view(one)
          if (view !== undefined) used.push(yield* use(view))
        }
      }).pipe(Effect.scoped, Effect.provide(layer))
    }
    if (used.length > 0) return used
    return yield* new UsageError({
      ...(name === undefined ? {} : { option: "name" as const }),
      reason: { _tag: "NoSuchSync", name: name ?? "", known: known.sort() }
    })
  })

/** Text, broken between words where a terminal is narrower. */
const print = (lines: ReadonlyArray<string>) =>
  answer(lines.flatMap((line) => wrapped(toPrintable(line), process.stdout.columns)).join("\n"))

export const statusCommand = Command.make(
  "status",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription("The name of a sync; all of them without one"),
      Argument.optional
    ),
    ...flags(options)
  },
  Effect.fnUntraced(function* ({ json, maxLag, name, state, zone }) {
    const { clock } = yield* Zone.make(zone)
    const now = (yield* Clock.currentTimeMillis) * 1000
    const most = maxLag === undefined ? Infinity : Duration.toMillis(Kind.durationOf(maxLag)) * 1000
    const isLate = yield* each({ state }, Option.getOrUndefined(name), (view) =>
      Effect.gen(function* () {
        const verdict = yield* Verdict.of(view)
        const givenUp = yield* Verdict.givenUp(view)
        yield* print(
          json === true
            ? [JSON.stringify(SyncStatus.toJson(view.name, verdict, givenUp))]
            : SyncStatus.lines(view.name, verdict, givenUp, clock)
        )
        return now - (verdict.completeUpTo ?? -Infinity) > most
      })
    )
    if (isLate.includes(true)) return yield* new Incomplete()
  })
).pipe(
  Command.withDescription(
    "What a sync has: up to when it is complete, which calls may still change, and which sinks lack changes. Makes no request, also while the sync runs."
  ),
  Command.withShortDescription("How far a sync is"),
  Command.withExamples([
    { command: "callstream status", description: "Every sync of this folder" },
    { command: "callstream status calls --json | jq .completeUpTo", description: "For another program" },
    { command: "callstream status --max-lag 6h", description: "Is it healthy? Exit code 3 says no" }
  ])
)

export const whyCommand = Command.make(
  "why",
  {
    id: Argument.String("id").pipe(Argument.withDescription("The id of a call")),
    ...flags(whyOptions)
  },
  Effect.fnUntraced(function* ({ id, json, name, state, zone }) {
    const { clock } = yield* Zone.make(zone)
    const found = yield* each({ state }, name, (view) =>
      Effect.map(Verdict.explain(view, id), (explained) => ({ sync: view.name, explained }))
    )
    for (const { explained, sync } of found) {
      yield* print(
        json === true
          ? [JSON.stringify(SyncStatus.whyJson(sync, id, explained))]
          : SyncStatus.why(sync, id, explained, clock)
      )
    }
  })
).pipe(
  Command.withDescription(
    "What a sync knows of one call: when it appeared, when it changed last, what is still awaited and why, and which sinks have its latest version. Makes no request, and shows no content."
  ),
  Command.withShortDescription("What a sync knows of one call"),
  Command.withExamples([
    { command: "callstream why 0198f3a2-6c1e-7d4b-9a55-3f2e1d0c9b8a --name calls", description: "One call" }
  ])
)
