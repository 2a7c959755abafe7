/** Rows in many files, by size or by day, and the manifest that says which of them are complete. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Cursor } from "../../../model/Position.ts"
import type { OutputError } from "../OutputError.ts"
import type { Replaced } from "../../SessionSink.ts"
import * as DayParts from "./DayParts.ts"
import type { Line } from "./Lines.ts"
import * as ManifestFile from "./ManifestFile.ts"
import * as NumberedParts from "./NumberedParts.ts"
import * as OpenParts from "./OpenParts.ts"
import { failWith } from "./OutputFailure.ts"
import * as Part from "./Part.ts"
import * as PartName from "./PartName.ts"
import type { Place } from "./Place.ts"
import * as RotatedManifest from "./RotatedManifest.ts"

/** The files that have their names, as the manifest's head, and those that have not. */
export const Position = Schema.Struct({ manifest: ManifestFile.Head, parts: Schema.Array(OpenParts.Position) })
export type Position = typeof Position.Type

export interface Options extends OpenParts.Settings, RotatedManifest.Options {
  /** What the names of the files end with beyond that of the rows, such as `.gz`. */
  readonly compression: string | undefined
}

interface Files<Position> {
  /** All of the lines or, after a failure, none. */
  readonly write: (lines: ReadonlyArray<Line>) => Effect.Effect<void, OutputError>
  readonly flush: (at: Cursor) => Effect.Effect<Position, OutputError>
  readonly finish: Effect.Effect<void, OutputError>
}

export interface RotatedFiles<Position> extends Files<Position> {
  readonly replaced: () => Replaced
}

export const open = Effect.fnUntraced(function* (
  options: Options & { readonly from: Position | undefined }
): Effect.fn.Return<RotatedFiles<Position>, OutputError, Scope.Scope> {
  const { compression, from, path, place } = options
  const naming = PartName.make(place.nameOf(path), compression, place.partitions)
  const manifest = yield* RotatedManifest.open(options, naming, from?.manifest)
  yield* place.clear((from?.parts ?? []).flatMap(Part.positionsOf), from !== undefined)
  const files = yield* make(options, naming, manifest, from?.parts ?? [])
  return {
    write: files.write,
    flush: Effect.fnUntraced(function* (cursor) {
      const parts = yield* files.flush(cursor)
      return { manifest: yield* manifest.head, parts }
    }),
    finish: Effect.andThen(files.finish, Effect.ignore(place.clear([], true))),
    replaced: manifest.replaced
  }
})

/** The files themselves; a position has those that have no name yet. */
export const make = Effect.fnUntraced(function* (
  settings: OpenParts.Settings & Pick<Options, "path">,
  naming: PartName.Naming,
  manifest: OpenParts.OpenParts["manifest"],
  from: ReadonlyArray<OpenParts.Position>
): Effect.fn.Return<Files<ReadonlyArray<OpenParts.Position>>, OutputError, Scope.Scope> {
  const { force, path, place, rotate } = settings
  const parts = new Map<string, OpenParts.OpenPart>()
  const state: OpenParts.OpenParts = {
    settings,
    naming,
    pathOf: (name) => place.beside(path, name),
    manifest,
    parent: yield* Scope.Scope,
    parts,
    reached: undefined,
    number: 1
  }
  yield* OpenParts.resume(state, from)
  state.number = Math.max(1, manifest.files().length + parts.size)
  const closed = manifest.complete && parts.size === 0

  const put = (how: "settle" | "drain") =>
    Effect.suspend(() =>
      Effect.forEach(
        [...parts.values()].filter((one) => !one.complete && one.part.mark().pending.length > 0),
        (one) => Effect.flatMap(one.part[how], (fits) => (fits ? Effect.void : NumberedParts.roll(state, one, how))),
        { discard: true }
      )
    )
  return {
    write: Effect.fnUntraced(function* (lines) {
      if (lines.length === 0) return
      if (closed) return yield* failWith(path, "write", "Finished")
      yield* OpenParts.retire(state)
      const rewind = OpenParts.mark(state)
      const written = rotate === "day" ? DayParts.write(state, lines) : NumberedParts.write(state, lines)
      yield* Effect.onError(written, () => Effect.sync(rewind))
    }),
    flush: Effect.fnUntraced(function* (cursor) {
      yield* OpenParts.retire(state)
      yield* put("settle")
      // A part of a day must not replace an earlier file.
      const isDue = ({ due, key }: OpenParts.OpenPart) =>
        due && (!force || rotate !== "day" || OpenParts.isOver(state, key))
      yield* OpenParts.publish(state, OpenParts.withRows(state).filter(isDue), false)
      OpenParts.reach(state, cursor, yield* Clock.currentTimeMillis)
      const positions = yield* OpenParts.sync(state)
      for (const one of parts.values()) one.due = one.complete
      return positions
    }),
    finish: Effect.andThen(
      put("drain"),
      Effect.suspend(() => OpenParts.publish(state, OpenParts.withRows(state), true))
    )
  }
})

/** Whether the files that a finished run left are still there, and its manifest. */
export const verify = (place: Place, path: string, compression: string | undefined, from: Position) =>
  ManifestFile.verify(place, place.beside(path, PartName.make(place.nameOf(path), compression).manifest), from.manifest)
