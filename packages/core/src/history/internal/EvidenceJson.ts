/** The evidence of a reading as JSON, for another process. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as PartEvidence from "./PartEvidence.ts"

const makeCodec = () => {
  const json = Schema.toCodecJson(PartEvidence.Evidence)
  return { encode: Schema.encodeSync(json), decode: Schema.decodeUnknownOption(json) }
}

const made: { codec?: ReturnType<typeof makeCodec> } = {}

/** Made when it is first used: each program that reads would make it as it starts. */
const codec = () => (made.codec ??= makeCodec())

export const encode = (evidence: PartEvidence.Evidence): Schema.Json => codec().encode(evidence)

/** Nothing where it is none, or that of another version. */
export const decode = (json: Schema.Json | undefined): PartEvidence.Evidence | undefined =>
  Option.getOrUndefined(codec().decode(json))
