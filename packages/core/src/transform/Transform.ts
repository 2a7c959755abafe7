/**
 * Steps between the source and the sinks: functions that build a chain.
 *
 * ```ts
 * const report = Transform.sessions.pipe(
 *   Transform.where("durationSec > 60", (session) => (session.durationSec ?? 0) > 60),
 *   Transform.derive(["direction", "cost"]),
 *   Transform.redact({ phone: "mask", email: "mask" }),
 *   Transform.select(["id", "direction", "cost", "summary"])
 * )
 * ```
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import type { CallSession } from "../model/CallSession.ts"
import type * as Derive from "./Derive.ts"
import { derive as deriving } from "./internal/Deriving.ts"
import { flatten as flattening } from "./internal/Flatten.ts"
import { drop as dropping, omit as omitting } from "./internal/Omit.ts"
import { redact as redacting } from "./internal/Redacting.ts"
import { pick as picking, select as selecting } from "./internal/Select.ts"
import { where as keeping } from "./internal/Where.ts"
import type * as Redact from "./Redact.ts"
import {
  andThen,
  type FlattenOptions,
  identity,
  type Pure,
  type Selected,
  type Transform
} from "./TransformContract.ts"

export * from "./TransformContract.ts"

/** The chain that a step is added to, as its first argument. */
const isChain = ([first]: IArguments): boolean => typeof first === "object" && first !== null && "columns" in first

/**
 * Unchanged calls: the start of a chain.
 *
 * @since 0.1.0
 * @category constructors
 */
export const sessions: Pure<CallSession, CallSession> = identity()

/**
 * Facts about a condition.
 *
 * @since 0.1.0
 * @category options
 */
export interface WhereOptions {
  /** All fields that it reads. A thread that decodes may give it a record without the others. @default any field */
  readonly reads?: ReadonlyArray<string> | undefined
}

/**
 * Keeps the records for which `predicate` holds. `label` describes the predicate in output and in the pipeline's
 * fingerprint, so change it with the predicate.
 *
 * @since 0.1.0
 * @category verbs
 */
export const where: {
  <B extends object>(
    label: string,
    predicate: (record: NoInfer<B>) => boolean,
    options?: WhereOptions
  ): <A, E, R>(self: Transform<A, B, E, R>) => Transform<A, B, E, R>
  <A, B extends object>(
    self: Pure<A, B>,
    label: string,
    predicate: (record: B) => boolean,
    options?: WhereOptions
  ): Pure<A, B>
  <A, B extends object, E, R>(
    self: Transform<A, B, E, R>,
    label: string,
    predicate: (record: B) => boolean,
    options?: WhereOptions
  ): Transform<A, B, E, R>
} = dual(
  isChain,
  <A, B extends object, E, R>(
    self: Transform<A, B, E, R>,
    label: string,
    predicate: (record: B) => boolean,
    options?: WhereOptions
  ): Transform<A, B, E, R> => andThen(self, keeping(label, predicate, options))
)

/**
 * The record with the named values added, in the order of `Derive.names`. Their columns are there whether or not a record
 * has a value, so that a table knows them before the first one. A field of the record that already has such a name gives
 * way.
 *
 * @since 0.1.0
 * @category verbs
 */
export const derive: {
  <const K extends keyof Derive.Derived>(
    names: ReadonlyArray<K>,
    options?: Derive.Options
  ): <A, B extends CallSession, E, R>(self: Transform<A, B, E, R>) => Transform<A, B & Pick<Derive.Derived, K>, E, R>
  <A, B extends CallSession, const K extends keyof Derive.Derived>(
    self: Pure<A, B>,
    names: ReadonlyArray<K>,
    options?: Derive.Options
  ): Pure<A, B & Pick<Derive.Derived, K>>
  <A, B extends CallSession, const K extends keyof Derive.Derived, E, R>(
    self: Transform<A, B, E, R>,
    names: ReadonlyArray<K>,
    options?: Derive.Options
  ): Transform<A, B & Pick<Derive.Derived, K>, E, R>
} = dual(
  isChain,
  <A, B extends CallSession, const K extends keyof Derive.Derived, E, R>(
    self: Transform<A, B, E, R>,
    names: ReadonlyArray<K>,
    options?: Derive.Options
  ): Transform<A, B & Pick<Derive.Derived, K>, E, R> => andThen(self, deriving<B, K>(names, options))
)

/**
 * The record without the data of the given classes; the same object if it has none. Timestamps, costs,
 * other numbers and booleans stay as they are. The record's own numbers go from every field, an `id` that holds one becomes
 * a hash as a whole (in the mode `hash`; otherwise the number in it is masked); the key of the row, by which sinks know it,
 * stays. `drop` takes fields out and their columns with them, and found text out of longer text; the other modes put text in
 * its place. Redacting twice changes nothing.
 *
 * It goes by the names of fields: redact before you rename, flatten, or select from inside an object.
 *
 * @since 0.1.0
 * @category verbs
 */
export const redact: {
  (
    what: Redact.Modes,
    options?: Redact.Options
  ): <A, B extends object, E, R>(self: Transform<A, B, E, R>) => Transform<A, B, E, R>
  <A, B extends object>(self: Pure<A, B>, what: Redact.Modes, options?: Redact.Options): Pure<A, B>
  <A, B extends object, E, R>(
    self: Transform<A, B, E, R>,
    what: Redact.Modes,
    options?: Redact.Options
  ): Transform<A, B, E, R>
} = dual(
  isChain,
  <A, B extends object, E, R>(
    self: Transform<A, B, E, R>,
    what: Redact.Modes,
    options?: Redact.Options
  ): Transform<A, B, E, R> => andThen(self, redacting<B>(what, options))
)

/** A row of which nothing is known but that it has keys. */
type AnyRow = Readonly<Record<string, unknown>>

/**
 * Exactly the named values, in this order, under these names. A value inside an object comes out of it: the row has
 * `metadata.crm.id` as a key. A table has no other columns, unless `extra` is named, too: then it has that one at its end, for
 * values that their columns cannot hold. What a record does not have, its row does not have either; `null` stays `null`. Throws a
 * `TypeError` for text that is no path and for a name given twice.
 *
 * ```ts
 * Transform.select(["id", { path: "callerNumber", as: "from" }, 'postCallAnalysisResult["Lead Score"]'])
 * ```
 *
 * @since 0.1.0
 * @category verbs
 */
export const select: {
  (
    selected: ReadonlyArray<Selected>
  ): <A, B extends object, E, R>(self: Transform<A, B, E, R>) => Transform<A, AnyRow, E, R>
  <A, B extends object>(self: Pure<A, B>, selected: ReadonlyArray<Selected>): Pure<A, AnyRow>
  <A, B extends object, E, R>(
    self: Transform<A, B, E, R>,
    selected: ReadonlyArray<Selected>
  ): Transform<A, AnyRow, E, R>
} = dual(
  2,
  <A, B extends object, E, R>(
    self: Transform<A, B, E, R>,
    selected: ReadonlyArray<Selected>
  ): Transform<A, AnyRow, E, R> => andThen(self, selecting(selected))
)

/**
 * Fields of the record itself, with their types kept, so that a sink that needs `id` can ask for it.
 *
 * @since 0.1.0
 * @category verbs
 */
export const pick: {
  <B extends object, const K extends keyof B & string>(
    names: ReadonlyArray<K>
  ): <A, E, R>(self: Transform<A, B, E, R>) => Transform<A, Pick<B, K>, E, R>
  <A, B extends object, const K extends keyof B & string>(
    self: Pure<A, B>,
    names: ReadonlyArray<K>
  ): Pure<A, Pick<B, K>>
  <A, B extends object, const K extends keyof B & string, E, R>(
    self: Transform<A, B, E, R>,
    names: ReadonlyArray<K>
  ): Transform<A, Pick<B, K>, E, R>
} = dual(
  2,
  <A, B extends object, const K extends keyof B & string, E, R>(
    self: Transform<A, B, E, R>,
    names: ReadonlyArray<K>
  ): Transform<A, Pick<B, K>, E, R> => andThen(self, picking<B, K>(names))
)

/**
 * The record without the named values; all else stays as it is, an object that loses its last value included. Lists are
 * not changed inside. Throws a `TypeError` for text that is no path.
 *
 * @since 0.1.0
 * @category verbs
 */
export const omit: {
  (paths: ReadonlyArray<string>): <A, B extends object, E, R>(self: Transform<A, B, E, R>) => Transform<A, AnyRow, E, R>
  <A, B extends object>(self: Pure<A, B>, paths: ReadonlyArray<string>): Pure<A, AnyRow>
  <A, B extends object, E, R>(self: Transform<A, B, E, R>, paths: ReadonlyArray<string>): Transform<A, AnyRow, E, R>
} = dual(
  2,
  <A, B extends object, E, R>(self: Transform<A, B, E, R>, paths: ReadonlyArray<string>): Transform<A, AnyRow, E, R> =>
    andThen(self, omitting(paths))
)

/**
 * Leaves out fields of the record itself, in the type too.
 *
 * @since 0.1.0
 * @category verbs
 */
export const drop: {
  <B extends object, const K extends keyof B & string>(
    names: ReadonlyArray<K>
  ): <A, E, R>(self: Transform<A, B, E, R>) => Transform<A, Omit<B, K>, E, R>
  <A, B extends object, const K extends keyof B & string>(
    self: Pure<A, B>,
    names: ReadonlyArray<K>
  ): Pure<A, Omit<B, K>>
  <A, B extends object, const K extends keyof B & string, E, R>(
    self: Transform<A, B, E, R>,
    names: ReadonlyArray<K>
  ): Transform<A, Omit<B, K>, E, R>
} = dual(
  2,
  <A, B extends object, const K extends keyof B & string, E, R>(
    self: Transform<A, B, E, R>,
    names: ReadonlyArray<K>
  ): Transform<A, Omit<B, K>, E, R> => andThen(self, dropping<B, K>(names))
)

/**
 * Objects become fields named by their path: `{ metadata: { crm: { id: 7 } } }` becomes `{ "metadata.crm.id": 7 }`, and a
 * key with dots or spaces is in brackets, as in `postCallAnalysisResult["Lead Score"]`, so that no two values ever get the
 * same name. The fields of the record keep their names and their order, the keys inside an object are sorted. Lists,
 * `null` and empty objects stay values.
 *
 * Columns are known before the first record, so they can only be those of the contract: `creditBreakdown` becomes its
 * fields, and with `objects: "whole"` it is itself a column for keys that the contract does not name. With
 * `objects: "keys"` the keys of `metadata` and the like are in the rows and not among the columns: that is for NDJSON.
 * For a table use `"whole"`, or select the paths that it should have.
 *
 * @since 0.1.0
 * @category verbs
 */
export const flatten: {
  (options?: FlattenOptions): <A, B extends object, E, R>(self: Transform<A, B, E, R>) => Transform<A, AnyRow, E, R>
  <A, B extends object>(self: Pure<A, B>, options?: FlattenOptions): Pure<A, AnyRow>
  <A, B extends object, E, R>(self: Transform<A, B, E, R>, options?: FlattenOptions): Transform<A, AnyRow, E, R>
} = dual(
  isChain,
  <A, B extends object, E, R>(self: Transform<A, B, E, R>, options?: FlattenOptions): Transform<A, AnyRow, E, R> =>
    andThen(self, flattening(options))
)
