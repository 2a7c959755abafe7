/** `callstream replay FILE`: sends the records of a dead-letter file through transforms and sinks again. */
import {
  Checkpoint,
  CheckpointError,
  type Committed,
  type DeadLetter,
  DeadLetterFile,
  Instant,
  OutputLockFile,
  Pipeline,
  Position,
  SessionSink,
  type SinkError,
  Source,
  Transform,
  Version
} from "@callstream/core"
import { GuardedTransport, NodeProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as Folder from "../option/TargetFolder.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Target from "../option/Target.ts"
import * as Transforms from "../option/Transforms.ts"
import * as Zone from "../option/Zone.ts"
import * as DeadLetters from "../job/DeadLetters.ts"
import * as Format from "../render/Format.ts"
import { print } from "../render/Screen.ts"
import { fileArgument, type FlagValues, flags as flagsOf, one, pick } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import * as Options from "../option/Options.ts"
import * as Summary from "../render/Summary.ts"
import { Incomplete, UsageError } from "../option/UsageError.ts"
import * as Letters from "../job/ReplayLetters.ts"

/** The options of `replay` alone. */
export const own = {
  organization: one(
    Kind.text("ID", "the id of an organization"),
    "Organization of the calls, for a webhook, when the records do not name it"
  )
}

const options = { ...Options.transforms, zone: Options.run.zone, to: Options.to, ...Options.sink, ...own }

const flags = {
  file: fileArgument("file").pipe(Argument.withDescription("A dead-letter file")),
  ...flagsOf(options)
}

/** Every sink holds everything before this position; while a sink is empty there is none. */
const reachedBy = (sinks: ReadonlyArray<Committed>): Position.Cursor | undefined =>
  sinks.length === 0 ? undefined : Position.least(sinks.map(({ at }) => at))

/** The file itself is the checkpoint of a replay. */
const notMarked =
  (file: string) =>
  ({ reason }: SinkError): CheckpointError =>
    new CheckpointError({
      reason:
        reason._tag === "Untrusted"
          ? reason
          : {
              _tag: "File",
              path: file,
              action: "written",
              code: (reason._tag === "Output" ? reason.code : undefined) ?? reason._tag
            }
    })

/** The results of replayed letters: those that fail again, and marks in the file for the others. */
const openMarks = Effect.fnUntraced(function* (file: string, parts: Letters.Parts["parts"]) {
  const failed = new Set<string>()
  const marks = yield* DeadLetterFile.make(file).open(SessionSink.opening())
  const next = yield* Ref.make(0)
  const marked = yield* Ref.make(0)
  /** The parts that arrived, of those before a position that every sink has committed. */
  const mark = Effect.fnUntraced(function* (at: Position.Cursor | undefined) {
    const place = at === undefined ? 0 : at === "end" ? parts.length : at
    const replayed = Instant.format(yield* Instant.now)
    const done = parts
      .slice(yield* Ref.get(next), place)
      .flatMap(({ letters }) => letters)
      .filter(({ letter }) => !failed.has(letter))
    yield* Ref.update(next, (before) => Math.max(before, Math.min(place, parts.length)))
    if (done.length === 0) return
    yield* marks.write({
      items: done.map(({ letter }) => ({ id: letter, start: undefined, row: { letter, replayed } })),
      columns: [],
      observedAt: Version.of(0)
    })
    yield* marks.flush(Position.of(0))
    yield* Ref.update(marked, (before) => before + done.length)
  })
  return { failed, mark, marked: Ref.get(marked) }
})

/** A checkpoint that remembers nothing and marks what is committed: at each commit, or only at the end. */
const marking = (
  byParts: boolean,
  mark: (sinks: ReadonlyArray<Committed>) => Effect.Effect<void, CheckpointError>
): Checkpoint["Service"] => ({
  open: () =>
    Effect.succeed({
      epoch: 0,
      state: Option.none(),
      commit: ({ finished, sinks }) => (byParts || finished ? mark(Object.values(sinks)) : Effect.void)
    })
})

const replay = Effect.fnUntraced(function* (input: FlagValues<typeof options> & { readonly file: string }) {
  const { file } = input
  const zone = yield* Zone.make(input.zone)
  const asked = yield* Sinks.fromFlags(input.to, pick(Options.sink, input))
  const planned = yield* Sinks.plan(Folder.expand({ sinks: asked }))
  const spec = pick(Options.transforms, input)
  const transform = yield* Transforms.toTransform(spec, {
    tabular: planned.some(({ target }) => Target.isTable(target)),
    zone
  })
  const { letters, replayed, torn } = yield* DeadLetterFile.read(file)
  yield* Letters.check(letters, spec, transform.redaction)
  const [first, ...rest] = yield* Sinks.make(planned, {
    organization: input.organization ?? Letters.organizationOf(letters) ?? "",
    spool: undefined,
    keepsOffset: false,
    timeZone: Zone.forSinks(zone)
  })
  if (letters.length + replayed === 0 && torn > 0) {
    return yield* new UsageError({ reason: { _tag: "NotDeadLetters", path: file } })
  }
  if (first === undefined || letters.length === 0) {
    return yield* print(
      `no dead letters are left in ${file}: ${Format.counted(replayed, "was", "were")} replayed before`
    )
  }
  yield* DeadLetters.check(file)
  yield* Folder.make(Folder.local(asked))
  const { made, origin, parts } = Letters.inParts(letters)
  const { failed, mark, marked } = yield* openMarks(file, parts)
  const sinks = [first, ...rest] as const
  /** The next replay starts an unfinished file again, and a pipe does not show how far its reader came. */
  const byParts = sinks.every(({ delivery }) => delivery === "idempotent" || delivery === "transactional")
  const checkpoint = marking(byParts, (sinks) => Effect.mapError(mark(reachedBy(sinks)), notMarked(file)))
  const pipeline = Pipeline.make({
    name: "replay",
    source: Source.make({
      fingerprint: {},
      units: () => Stream.fromIterable(parts.map(({ unit }) => unit))
    }),
    // The transforms were applied to these rows before a sink rejected them.
    transform: Transform.make({ ...transform, apply: (session) => made.get(session) ?? transform.apply(session) }),
    sinks,
    // A letter that fails again is already in the file.
    deadLetters: SessionSink.make({
      name: "dead-letters",
      delivery: "append",
      write: ({ items }: SessionSink.Batch<DeadLetter.DeadLetter>) =>
        Effect.sync(() => {
          for (const { row } of items) failed.add(origin.get(row.record) ?? row.letter)
        })
    }),
    // Letters are found again by their records, which no transform has changed.
    rawLetters: true,
    commitEvery: 0,
    maxDeadShare: 1
  })
  const done = yield* Sinks.orUnfinished(
    Effect.provideService(pipeline.run(), Checkpoint, checkpoint),
    sinks.length
  ).pipe(
    Effect.onError(() =>
      Effect.flatMap(marked, (count) =>
        count === 0
          ? Effect.void
          : print(`${Format.counted(count, "dead letter")} replayed and marked in ${file} before that`)
      )
    )
  )
  yield* print(
    `${Format.counted(yield* marked, "dead letter")} replayed, ${Format.count(failed.size)} left in ${file}`,
    ...done.sinks.flatMap((sink, at) => Summary.versionLines(planned[at], sink)),
    ...(torn === 0 ? [] : [`  ${Format.counted(torn, "line")} of it could not be read: a run was killed in the middle`])
  )
  if (failed.size > 0) return yield* new Incomplete()
})

const environment = Layer.merge(
  Layer.provide(GuardedTransport.layer, NodeDns.layer),
  Layer.provide(OutputLockFile.layer, NodeProcessOwner.layer)
)

export const replayCommand = Command.make("replay", flags, (input) =>
  Effect.provide(Effect.scoped(replay(input)), environment)
).pipe(
  Command.withDescription(
    "Send a file of dead letters again, with the flags of the export that wrote it. Rows that a sink refused go as they were, records go through the transforms. Those that arrive are marked in the file; exit code 3 says that some are left."
  ),
  Command.withShortDescription("Send dead letters again"),
  Command.withExamples([
    {
      command: "callstream replay calls.ndjson.dead-letters.ndjson --to https://example.com/hook",
      description: "Those that a webhook had refused"
    }
  ])
)
