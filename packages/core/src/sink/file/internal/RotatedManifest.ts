/** The manifest of files by size or by day, and what a run may replace of the files that it names. */
import * as Effect from "effect/Effect"
import type { Calendar } from "../../../model/Calendar.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Covers } from "../../SessionSink.ts"
import type * as Manifest from "../Manifest.ts"
import type { OutputError } from "../OutputError.ts"
import * as ManifestFile from "./ManifestFile.ts"
import type * as PartName from "./PartName.ts"
import type { Place } from "./Place.ts"
import * as Replacement from "./Replacement.ts"

export interface Options {
  readonly place: Place
  readonly path: string
  readonly force: boolean
  readonly rotate: PartName.Rotation
  /** Whose days those are. */
  readonly calendar: Calendar
  readonly covers: Covers | undefined
  /** Whether the calls without a start time of the range were read, known at the end. */
  readonly hasWithoutStart: Effect.Effect<boolean>
}

export const open = Effect.fnUntraced(function* (
  options: Options,
  naming: PartName.Naming,
  from: ManifestFile.Head | undefined
): Effect.fn.Return<ManifestFile.ManifestFile, OutputError> {
  const { calendar, covers, force, hasWithoutStart, path, place, rotate } = options
  const scope: Replacement.Scope = { covers, now: yield* Instant.now, calendar }
  const keyOf = (name: string) => naming.keyOf(name) ?? ""
  /** Files of days that no manifest names, and that this run would write over. */
  const strangers = Effect.fnUntraced(function* (named: ReadonlyArray<Manifest.File>) {
    if (!force || rotate !== "day") return []
    const known = new Set(named.map(({ name }) => name))
    const names = yield* place.namesBeside(path)
    return names.filter((name) => naming.isOwn(name) && !known.has(name))
  })
  return yield* ManifestFile.open({
    place,
    path: place.beside(path, naming.manifest),
    force,
    keyOf: naming.keyOf,
    from,
    settle: Effect.map(hasWithoutStart, (has) => ({
      claim: (name) => Replacement.claim(scope, keyOf(name), has),
      isKept: (name) => !Replacement.isRead(scope, keyOf(name), has)
    })),
    claim: (name) => Replacement.claim(scope, keyOf(name), false),
    plan: Effect.fnUntraced(function* (old, stale) {
      const byDay = rotate === "day"
      const plan = Replacement.plan({ old, strangers: yield* strangers([...old, ...stale]), naming, byDay, scope })
      return "refused" in plan ? yield* Replacement.toError(place.beside(path, plan.name), plan.refused) : plan
    })
  })
})
