/** Rows in many files, by size or by day, and the manifest that says which of them are complete. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Calendar } from "../../../model/Calendar.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Cursor } from "../../../model/Position.ts"
import type * as Manifest from "../Manifest.ts"
import { fromPlatform, OutputError } from "../OutputError.ts"
import type { Covers, Replaced } from "../../SessionSink.ts"
import type { Line } from "./Lines.ts"
import * as ManifestFile from "./ManifestFile.ts"
import * as Part from "./Part.ts"
import * as PartName from "./PartName.ts"
import * as Replacement from "./Replacement.ts"

const PartPosition = Schema.Struct({
  ...Part.Position.fields,
  key: Schema.String,
  name: Schema.String,
  complete: Schema.Boolean,
  rows: Schema.Int,
  from: Schema.NullOr(Instant.Instant),
  to: Schema.NullOr(Instant.Instant)
})

type PartPosition = typeof PartPosition.Type

/** The files that have their names, as the manifest's head, and those that have not. */
export const Position = Schema.Struct({ manifest: ManifestFile.Head, parts: Schema.Array(PartPosition) })
export type Position = typeof Position.Type

export interface Options {
  readonly path: string
  readonly force: boolean
  /** What the names of the files end with beyond that of the rows, such as `.gz`. */
  readonly compression: string | undefined
  readonly rotate: PartName.Rotation
  /** Whose days those are. */
  readonly calendar: Calendar
  readonly openPart: (
    options: Part.Options
  ) => Effect.Effect<Part.Part, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope>
  readonly from: Position | undefined
  readonly covers: Covers | undefined
  /** Whether the calls without a start time of the range were read, known at the end. */
  readonly hasWithoutStart: Effect.Effect<boolean>
}

export interface RotatedFiles {
  /** All of the lines or, after a failure, none. */
  readonly write: (lines: ReadonlyArray<Line>) => Effect.Effect<void, OutputError>
  readonly flush: (at: Cursor) => Effect.Effect<Position, OutputError>
  readonly finish: Effect.Effect<void, OutputError>
  readonly replaced: () => Replaced
}

interface Open {
  readonly key: string
  readonly name: string
  readonly part: Part.Part
  readonly scope: Scope.Closeable
  /** Nothing more goes into it. */
  complete: boolean
  /** A commit has it as complete, so it may have its name already: a run that resumes from there looks for it. */
  due: boolean
}

/** Files of days that are open at the same time, for sessions that come in no order. */
const maxOpen = 16

export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<RotatedFiles, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const paths = yield* Path.Path
  const parent = yield* Scope.Scope
  const { calendar, compression, from, path, rotate } = options
  const folder = paths.dirname(path)
  const naming = PartName.make(paths.basename(path), compression)
  const fs = yield* FileSystem.FileSystem
  const now = yield* Instant.now
  const scope: Replacement.Scope = { covers: options.covers, now, calendar }
  /** Files of days that no manifest names, and that this run would write over. */
  const strangers = Effect.fnUntraced(function* (old: ReadonlyArray<Manifest.File>) {
    if (!options.force || rotate !== "day") return []
    const known = new Set(old.map(({ name }) => name))
    const names = yield* Effect.mapError(fs.readDirectory(folder), fromPlatform(path, "open"))
    return names.filter((name) => naming.isOwn(name) && !known.has(name))
  })
  const manifest = yield* ManifestFile.open({
    path: paths.join(folder, naming.manifest),
    force: options.force,
    keyOf: naming.keyOf,
    from: from?.manifest,
    settle: Effect.map(options.hasWithoutStart, (has) => ({
      claim: (name) => Replacement.claim(scope, naming.keyOf(name) ?? "", has),
      isKept: (name) => !Replacement.isRead(scope, naming.keyOf(name) ?? "", has)
    })),
    claim: (name) => Replacement.claim(scope, naming.keyOf(name) ?? "", false),
    plan: Effect.fnUntraced(function* (old) {
      const plan = Replacement.plan({
        old,
        strangers: yield* strangers(old),
        naming,
        byDay: rotate === "day",
        scope
      })
      return "refused" in plan ? yield* Replacement.toError(paths.join(folder, plan.name), plan.refused) : plan
    })
  })
  /** By name; the one that was written to last is last. */
  const parts = new Map<string, Open>()

  const openPart = Effect.fnUntraced(function* (key: string, name: string, from: PartPosition | undefined) {
    const scope = yield* Scope.fork(parent)
    const part = yield* options
      .openPart({
        path: paths.join(folder, name),
        force: options.force,
        from,
        content: from ?? Part.nothing,
        limit: rotate === "day" ? Infinity : rotate.bytes
      })
      .pipe(
        Scope.provide(scope),
        Effect.provideContext(context),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
    const complete = from?.complete ?? false
    const opened: Open = { key, name, part, scope, complete, due: complete }
    parts.set(name, opened)
    return opened
  })

  /** Of all that starts before this nothing comes any more. */
  let reached: Cursor | undefined
  const isOver = (key: string) => reached !== undefined && isWithin(key, reached)
  const isWithin = (key: string, at: Cursor) => at === "end" || PartName.endOf(calendar, key) <= at
  const add = ({ key, name, part }: Open) => {
    const content = part.content()
    const { end } = part.mark()
    const time = (instant: Instant.Instant | null) => (instant === null ? null : Instant.format(instant))
    manifest.add(
      { name, rows: content.rows, bytes: end.bytes, from: time(content.from), to: time(content.to) },
      rotate === "day" && isOver(key)
    )
    parts.delete(name)
  }
  const publish = Effect.fnUntraced(function* (chosen: ReadonlyArray<Open>, complete: boolean) {
    if (chosen.length > 0) yield* manifest.begin
    for (const one of chosen) {
      yield* Effect.andThen(
        one.part.finish,
        Effect.sync(() => add(one))
      ).pipe(Effect.uninterruptible)
      yield* Scope.close(one.scope, Exit.void)
    }
    yield* manifest.save(complete)
  })

  for (const position of from?.parts ?? []) {
    const opened = yield* openPart(position.key, position.name, position)
    if (opened.part.finished) add(opened)
  }
  const closed = manifest.complete && parts.size === 0
  let number = Math.max(1, manifest.files().length + parts.size)

  /** The part of a day: the first that is not complete yet. */
  const ofDay = Effect.fnUntraced(function* (key: string) {
    for (let repeat = 1; ; repeat++) {
      const name = naming.of(key, repeat)
      const found = parts.get(name)
      if (manifest.has(name) || found?.complete === true) continue
      if (found === undefined) return yield* openPart(key, name, undefined)
      parts.delete(name)
      parts.set(name, found)
      return found
    }
  })
  const writeDays = Effect.fnUntraced(function* (lines: ReadonlyArray<Line>) {
    for (const [key, group] of byDay(lines, calendar)) yield* (yield* ofDay(key)).part.add(group)
  })

  const ofNumber = Effect.fnUntraced(function* () {
    for (; ; number++) {
      const key = PartName.ofNumber(number)
      const name = naming.of(key, 1)
      const found = parts.get(name)
      if (manifest.has(name) || found?.complete === true) continue
      return found ?? (yield* openPart(key, name, undefined))
    }
  })
  /** Moves what did not fit to the next file, as often as it takes. */
  const roll = Effect.fnUntraced(function* (full: Open, put: "settle" | "drain") {
    let current = full
    let fits = false
    while (!fits) {
      number++
      const next = yield* ofNumber()
      const rest = current.part.release()
      current.complete = true
      current = next
      fits = yield* current.part.add(rest)
      if (fits) fits = yield* current.part[put]
    }
  })
  const writeNumbered = Effect.fnUntraced(function* (lines: ReadonlyArray<Line>) {
    const current = yield* ofNumber()
    if (!(yield* current.part.add(lines))) yield* roll(current, "settle")
  })

  /** Closes the handles of complete files. */
  const retire = Effect.suspend(() => {
    const growing = rotate === "day" ? [...parts.values()].filter((one) => !one.complete) : []
    for (const one of growing.slice(0, Math.max(0, growing.length - maxOpen))) one.complete = true
    return Effect.forEach(
      [...parts.values()].filter((one) => one.complete),
      ({ part }) => part.seal,
      { discard: true }
    )
  })
  const write = (put: "settle" | "drain") =>
    Effect.suspend(() =>
      Effect.forEach(
        [...parts.values()].filter((one) => !one.complete && one.part.mark().pending.length > 0),
        (one) => Effect.flatMap(one.part[put], (fits) => (fits ? Effect.void : roll(one, put))),
        { discard: true }
      )
    )
  const withRows = () => [...parts.values()].filter(({ part }) => part.content().rows > 0)

  return {
    write: (lines) =>
      Effect.gen(function* () {
        if (lines.length === 0) return
        if (closed) return yield* new OutputError({ target: path, operation: "write", reason: { _tag: "Finished" } })
        yield* retire
        const before = new Map(
          [...parts].map(([name, one]) => [name, { mark: one.part.mark(), complete: one.complete }])
        )
        const numberBefore = number
        yield* (rotate === "day" ? writeDays(lines) : writeNumbered(lines)).pipe(
          Effect.onError(() =>
            Effect.sync(() => {
              number = numberBefore
              for (const [name, one] of parts) {
                const { complete, mark } = before.get(name) ?? { complete: false, mark: Part.unwritten }
                one.part.rewind(mark)
                one.complete = complete
              }
            })
          )
        )
      }),
    flush: Effect.fnUntraced(function* (cursor) {
      yield* retire
      yield* write("settle")
      yield* publish(
        // A part of a day must not replace an earlier file.
        withRows().filter((one) => one.due && (!options.force || rotate !== "day" || isOver(one.key))),
        false
      )
      if (rotate === "day") {
        for (const one of parts.values()) if (isWithin(one.key, cursor)) one.complete = true
      }
      reached = cursor
      const positions = yield* Effect.forEach(withRows(), (one) =>
        Effect.map(one.part.sync, (position): PartPosition => {
          const { key, name, complete, part } = one
          return { ...position, ...part.content(), key, name, complete }
        })
      )
      const position = { manifest: yield* manifest.head, parts: positions }
      for (const one of parts.values()) one.due = one.complete
      return position
    }),
    finish: Effect.gen(function* () {
      yield* write("drain")
      yield* publish(withRows(), true)
    }),
    replaced: manifest.replaced
  }
})

const byDay = (lines: ReadonlyArray<Line>, calendar: Calendar): ReadonlyMap<string, ReadonlyArray<Line>> => {
  const days = new Map<string, Array<Line>>()
  for (const line of lines) {
    const key = PartName.ofCall(calendar, line)
    const group = days.get(key)
    if (group === undefined) days.set(key, [line])
    else group.push(line)
  }
  return days
}

/** Whether the files that a finished run left are still there, and its manifest. */
export const verify = Effect.fnUntraced(function* (path: string, compression: string | undefined, from: Position) {
  const paths = yield* Path.Path
  const { manifest } = PartName.make(paths.basename(path), compression)
  yield* ManifestFile.verify(paths.join(paths.dirname(path), manifest), from.manifest)
})
