/** The files of a rotated output that are not complete yet: opened, written to, and given their names. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Calendar } from "../../../model/Calendar.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Cursor } from "../../../model/Position.ts"
import type { OutputError } from "../OutputError.ts"
import type { ManifestFile } from "./ManifestFile.ts"
import * as Part from "./Part.ts"
import * as PartName from "./PartName.ts"
import type { Place } from "./Place.ts"

export const Position = Schema.Struct({
  ...Part.Position.fields,
  key: Schema.String,
  name: Schema.String,
  complete: Schema.Boolean,
  /** When it was begun, in milliseconds, where that counts. */
  since: Schema.optionalKey(Schema.Int),
  rows: Schema.Int,
  from: Schema.NullOr(Instant.Instant),
  to: Schema.NullOr(Instant.Instant)
})
export type Position = typeof Position.Type

export interface OpenPart {
  readonly key: string
  readonly name: string
  readonly part: Part.Part
  readonly scope: Scope.Closeable
  /** Where an earlier run, or another process, left it. */
  readonly from: Position | undefined
  /** When it was begun, in milliseconds. */
  readonly since: number
  /** Nothing more goes into it. */
  complete: boolean
  /** A commit has it as complete, so it may have its name already: a run that resumes from there looks for it. */
  due: boolean
}

export interface Settings {
  readonly place: Place
  readonly force: boolean
  readonly rotate: PartName.Rotation
  /** Whose days those are. */
  readonly calendar: Calendar
  readonly openPart: (options: Part.Options) => Effect.Effect<Part.Part, OutputError, Scope.Scope>
}

export interface OpenParts {
  readonly settings: Settings
  readonly naming: PartName.Naming
  /** The path of a file of this name. */
  readonly pathOf: (name: string) => string
  readonly manifest: Pick<ManifestFile, "add" | "begin" | "complete" | "files" | "has" | "save">
  readonly parent: Scope.Scope
  /** By name; the one that was written to last is last. */
  readonly parts: Map<string, OpenPart>
  /** Of all that starts before this nothing comes any more. */
  reached: Cursor | undefined
  /** With files by size, that of the file that is written to. */
  number: number
}

/** Files of days that are open at the same time, for sessions that come in no order. */
const maxOpen = 16

const open = (self: OpenParts, key: string, name: string, from: Position | undefined) =>
  // Another process that has just finished the file removed what it waited in: the file is there then.
  Effect.retry(openOnce(self, key, name, from), { times: 1, while: (error) => from !== undefined && isMissing(error) })

const isMissing = ({ reason }: OutputError): boolean => reason._tag === "Missing"

const openOnce = Effect.fnUntraced(function* (
  self: OpenParts,
  key: string,
  name: string,
  from: Position | undefined
): Effect.fn.Return<OpenPart, OutputError> {
  const { force, openPart, place, rotate } = self.settings
  const scope = yield* Scope.fork(self.parent)
  const part = yield* openPart({
    place,
    path: self.pathOf(name),
    force,
    from,
    content: from ?? Part.nothing,
    limit: rotate === "day" ? Infinity : rotate.bytes
  }).pipe(
    Scope.provide(scope),
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
  const complete = from?.complete ?? false
  const since = from?.since ?? (yield* Clock.currentTimeMillis)
  const opened: OpenPart = { key, name, part, scope, from, since, complete, due: complete }
  self.parts.set(name, opened)
  return opened
})

/** Those that an earlier run left. */
export const resume = Effect.fnUntraced(function* (
  self: OpenParts,
  positions: ReadonlyArray<Position>
): Effect.fn.Return<void, OutputError> {
  for (const position of positions) {
    const opened = yield* open(self, position.key, position.name, position)
    if (opened.part.finished) addToManifest(self, opened, opened.part.mark().end.bytes)
  }
})

/** The part of that name if rows may go into it, opened where it is not there; `undefined` for one that is complete. */
export const growing = Effect.fnUntraced(function* (
  self: OpenParts,
  key: string,
  repeat: number
): Effect.fn.Return<OpenPart | undefined, OutputError> {
  const name = self.naming.of(key, repeat)
  const found = self.parts.get(name)
  if (self.manifest.has(name) || found?.complete === true) return undefined
  return found ?? (yield* open(self, key, name, undefined))
})

/** Closes the handles of complete files. */
export const retire = (self: OpenParts): Effect.Effect<void, OutputError> =>
  Effect.suspend(() => {
    const parts = [...self.parts.values()]
    const growing = self.settings.rotate === "day" ? parts.filter(({ complete }) => !complete) : []
    for (const one of growing.slice(0, Math.max(0, growing.length - maxOpen))) one.complete = true
    return Effect.forEach(
      // One that is resumed may be finished by another process at the same time, which `publish` expects.
      parts.filter(({ complete, from }) => complete && from === undefined),
      ({ part }) => part.seal,
      { discard: true }
    )
  })

export const withRows = ({ parts }: OpenParts): ReadonlyArray<OpenPart> =>
  [...parts.values()].filter(({ part }) => part.content().rows > 0)

/** No row of the key comes any more. */
export const isOver = ({ reached, settings }: OpenParts, key: string): boolean =>
  reached !== undefined && isWithin(settings, key, reached)

const isWithin = ({ calendar }: Settings, key: string, at: Cursor): boolean =>
  at === "end" || PartName.endOf(calendar, key) <= at

/** Notes that everything before the cursor is written, at `now` in milliseconds. */
export const reach = (self: OpenParts, cursor: Cursor, now: number): void => {
  const { rotate } = self.settings
  const longest =
    rotate === "day" || rotate.within === undefined
      ? Infinity
      : Duration.toMillis(Duration.fromInputUnsafe(rotate.within))
  for (const one of self.parts.values()) {
    const isOver = rotate === "day" ? isWithin(self.settings, one.key, cursor) : now - one.since >= longest
    if (isOver) one.complete = true
  }
  self.reached = cursor
}

/** Gives them their names, and a manifest that names them. */
export const publish = Effect.fnUntraced(function* (
  self: OpenParts,
  chosen: ReadonlyArray<OpenPart>,
  complete: boolean
): Effect.fn.Return<void, OutputError> {
  const { manifest } = self
  if (chosen.length > 0) yield* manifest.begin
  for (const one of chosen) {
    yield* finish(self, one).pipe(
      Effect.map((bytes) => addToManifest(self, one, bytes)),
      Effect.uninterruptible
    )
    yield* Scope.close(one.scope, Exit.void)
  }
  yield* manifest.save(complete)
})

/** Gives it its name, and says how long it is. */
const finish = ({ pathOf, settings: { place } }: OpenParts, { from, name, part }: OpenPart) =>
  part.finish.pipe(
    Effect.map(() => part.mark().end.bytes),
    Effect.catchIf(
      (error) => from !== undefined && isMissing(error),
      // Another process did it meanwhile.
      (error) =>
        from === undefined
          ? Effect.fail(error)
          : Effect.scoped(place.openFinished(pathOf(name), from, true)).pipe(
              Effect.map((file) => file.end().bytes),
              Effect.mapError(() => error)
            )
    )
  )

const addToManifest = (self: OpenParts, { key, name, part }: OpenPart, bytes: number): void => {
  const content = part.content()
  const time = (instant: Instant.Instant | null) => (instant === null ? null : Instant.format(instant))
  self.manifest.add(
    { name, rows: content.rows, bytes, from: time(content.from), to: time(content.to) },
    self.settings.rotate === "day" && isOver(self, key)
  )
  self.parts.delete(name)
}

/** Makes them safe. */
export const sync = (self: OpenParts): Effect.Effect<ReadonlyArray<Position>, OutputError> =>
  Effect.forEach(withRows(self), ({ complete, key, name, part, since }) =>
    Effect.map(part.sync, (position): Position => {
      const known = { ...position, ...part.content(), key, name, complete }
      const { rotate } = self.settings
      return rotate === "day" || rotate.within === undefined ? known : { ...known, since }
    })
  )

/** The way back to what they are now. */
export const mark = (self: OpenParts): (() => void) => {
  const before = new Map(
    [...self.parts].map(([name, { complete, part }]) => [name, { mark: part.mark(), complete }] as const)
  )
  const { number } = self
  return () => {
    self.number = number
    for (const [name, one] of self.parts) {
      const { complete, mark } = before.get(name) ?? { complete: false, mark: Part.unwritten }
      one.part.rewind(mark)
      one.complete = complete
    }
  }
}
