/**
 * Why a lock cannot be had, as data.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The process that has it; `here` when it is this one.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Holder = Schema.Struct({
  pid: Schema.Int,
  host: Schema.String,
  /** ISO 8601. */
  since: Schema.String,
  here: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export type Holder = typeof Holder.Type

/** Where the lock is: a file, or the row of a table, in the database's own words for freeing it. */
const Place = Schema.Union([
  Schema.TaggedStruct("File", { path: Schema.String }),
  Schema.TaggedStruct("Row", { table: Schema.String, name: Schema.String })
])

/**
 * - `Running`: its process runs.
 * - `Elsewhere`: whether its process runs cannot be seen from here; without `holder` the lock does not say whose it is.
 * - `Lost`: the lock of this run was removed or overwritten.
 * - `Changing`: it changes hands all the time.
 *
 * @since 0.1.0
 * @category models
 */
export const Held = Schema.Union([
  Schema.TaggedStruct("Running", { holder: Schema.optionalKey(Holder), place: Schema.optionalKey(Place) }),
  Schema.TaggedStruct("Elsewhere", { holder: Schema.optionalKey(Holder), place: Place }),
  Schema.TaggedStruct("Lost", { path: Schema.String, how: Schema.Literals(["removed", "overwritten"]) }),
  Schema.TaggedStruct("Changing", { path: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type Held = typeof Held.Type

/** Whole seconds, as people read them. */
const shown = (since: string): string => since.replace(/^(\S+)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, "$1 $2 UTC")

const by = (holder: Holder | undefined): string =>
  holder === undefined
    ? ""
    : holder.here
      ? `, in this process, since ${shown(holder.since)}`
      : `: process ${holder.pid} on ${holder.host}, since ${shown(holder.since)}`

/**
 * In one sentence without a capital and a full stop.
 *
 * @param subject What the lock is on.
 * @param busy What holding it means, such as `is running already`.
 * @since 0.1.0
 * @category reading
 */
export const describe = (held: Held, subject: string, busy: string): string => {
  switch (held._tag) {
    case "Running":
      return `${subject} ${busy}${by(held.holder)}`
    case "Elsewhere":
      return held.holder === undefined && held.place._tag === "File"
        ? `${subject} is locked by ${held.place.path}, which does not say by whom`
        : `${subject} ${busy}${by(held.holder)}`
    case "Lost":
      return `${subject} lost its lock: ${held.path} was ${held.how}`
    case "Changing":
      return `${subject} has a lock, ${held.path}, that changes all the time`
  }
}

/**
 * What happened to a run that another one replaced, in one sentence without a capital and a full stop.
 *
 * @param subject What both runs are about.
 * @since 0.1.0
 * @category reading
 */
export const describeFenced = (subject: string, holder?: Holder): string =>
  `another run took over ${subject}${by(holder)}`
