/** Flags of `run` in place of keys of a pipeline file. */
import * as Arr from "effect/Array"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import type * as Declared from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import type { Connection, PipelineSpec } from "../option/PipelineSpec.ts"
import { type AnyOption, type OverrideCause, UsageError } from "../option/UsageError.ts"

const range = Struct.pick(Options.selection, ["since", "until", "on"])
const connected = Struct.pick(Options.connection, ["apiKeyFile", "timeout", "retries", "rate", "concurrency"])

/** What a state does not depend on, and the range and the sinks with a name for it. */
export const options = { ...range, to: Options.to, ...Struct.pick(Options.run, ["name"]), ...connected }

export type Overrides = Declared.Values<typeof options>

export const has = (overrides: Overrides, option: AnyOption | undefined): boolean =>
  option !== undefined && Object.hasOwn(overrides, option)

type Source = NonNullable<PipelineSpec["source"]>

/** How the API is reached; a key file takes the place of the file's key. */
export const connection = <A extends Connection>(given: A, overrides: Overrides): A => ({
  ...given,
  ...(overrides.apiKeyFile === undefined ? {} : { apiKey: undefined }),
  ...Struct.pick(
    overrides,
    Struct.keys(connected).filter((key) => has(overrides, key))
  )
})

/** A day replaces both bounds, and a bound replaces a day. */
const withRange = (source: Source, { on, since, until }: Overrides): Source => ({
  ...Struct.omit(
    source,
    on === undefined ? (since === undefined && until === undefined ? [] : ["on"]) : ["since", "until"]
  ),
  ...(since === undefined ? {} : { since }),
  ...(until === undefined ? {} : { until }),
  ...(on === undefined ? {} : { on })
})

/** The settings of a single sink, such as `force`, are kept: those of one of several could belong to another kind. */
const withSinks = (sinks: PipelineSpec["sinks"], { to = [] }: Overrides): PipelineSpec["sinks"] => {
  const [only] = sinks
  const settings = sinks.length > 1 || typeof only === "string" ? {} : only
  const given = to.map((to) => ({ ...settings, to }))
  return Arr.isReadonlyArrayNonEmpty(given) ? given : sinks
}

type Named = PipelineSpec & { readonly name: string }

/**
 * The pipeline with the flags in place. A state belongs to a range and its sinks, and what a sync knows to its beginning, so
 * another range or sink needs another name.
 */
export const apply = (spec: Named, overrides: Overrides, several: boolean): Result.Result<Named, UsageError> => {
  const refuse = (option: AnyOption, because: OverrideCause) =>
    Result.fail(new UsageError({ option, reason: { _tag: "NotOverridden", because, pipeline: spec.name } }))
  const ranged = ([...Struct.keys(range), "to"] as const).find((key) => has(overrides, key))
  const option = ranged ?? (overrides.name === undefined ? undefined : "name")
  if (option !== undefined && spec.sync !== undefined) return refuse(option, "sync")
  const [alone] = (["name", "to"] as const).filter((key) => has(overrides, key))
  if (alone !== undefined && several) return refuse(alone, "several")
  if (ranged !== undefined && spec.state !== false && overrides.name === undefined) {
    return refuse(ranged, several ? "state of several" : "state")
  }
  const { name = spec.name } = overrides
  return Result.succeed(
    Object.assign({}, spec, {
      name,
      source: connection(withRange(spec.source ?? {}, overrides), overrides),
      sinks: withSinks(spec.sinks, overrides)
    })
  )
}
