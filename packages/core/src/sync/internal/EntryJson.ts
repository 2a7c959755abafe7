/** What a store of text keeps of an entry. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Milestone } from "../../model/Change.ts"
import { Version } from "../../model/Version.ts"
import type { Entry } from "../LedgerEntry.ts"
import { Later } from "../Settlement.ts"

const micros = Schema.optionalKey(Schema.Finite)

/** JSON leaves out what is undefined. */
const Kept = Schema.Struct({
  id: Schema.String,
  start: micros,
  created: micros,
  ended: micros,
  agent: Schema.String,
  status: Schema.Literals(["answered", "unanswered", "open"]),
  digests: Schema.Array(Schema.Int),
  milestones: Schema.Array(Milestone),
  lacks: Schema.Array(Later),
  sequence: Version,
  readAt: Schema.Finite,
  firstSeen: Schema.Finite,
  born: Schema.Int,
  changed: Schema.Int,
  due: micros,
  doubted: Schema.optionalKey(
    Schema.Struct({ as: Schema.Literals(["absent", "back"]), since: Schema.Finite, first: Schema.Finite })
  ),
  gone: Schema.optionalKey(Schema.Literals(["left", "removed"])),
  owed: Schema.Boolean,
  counted: Schema.Boolean,
  shown: Schema.Literals(["never", "shown", "left"]),
  row: micros
})

const decodeKept = Schema.decodeUnknownEffect(Schema.fromJsonString(Kept))

export const encode = (entry: Entry): string => JSON.stringify(entry)

export const decode = (text: string): Effect.Effect<Entry, Schema.SchemaError> =>
  Effect.map(decodeKept(text), (kept) => ({
    ...kept,
    start: kept.start,
    created: kept.created,
    ended: kept.ended,
    due: kept.due,
    doubted: kept.doubted,
    gone: kept.gone,
    row: kept.row
  }))
