/** The text of a checkpoint file: a state, the name of its pipeline, and a checksum over both. */
import * as Effect from "effect/Effect"
import * as Digest from "effect/crypto/Digest"
import * as Schema from "effect/Schema"
import { CheckpointError, State } from "../Checkpoint.ts"
import { parse } from "./Files.ts"

const version = State.fields.version.literal

const Content = Schema.Struct({ ...State.fields, pipeline: Schema.String })
const decodeContent = Schema.decodeUnknownEffect(Content)
const encodeContent = Schema.encodeEffect(Content)

/** Over the values, not the white space between them: a file that was only laid out anew is as good as before. */
const checksumOf = (content: unknown) =>
  Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, new TextEncoder().encode(JSON.stringify(content))))

export const encode = Effect.fnUntraced(function* (path: string, pipeline: string, state: State) {
  const content = yield* Effect.mapError(
    encodeContent({ ...state, pipeline }),
    () =>
      new CheckpointError({
        reason: "io",
        description: `the state for ${path} cannot be kept: how far a sink got cannot be written as JSON`,
        advice: "Report this: a sink gave a wrong note."
      })
  )
  return `${JSON.stringify({ ...content, checksum: yield* checksumOf(content) }, undefined, 2)}\n`
})

/** The state, or why it is refused. */
export const decode = Effect.fnUntraced(function* (path: string, pipeline: string, bytes: Uint8Array) {
  const refuse = (
    what: string,
    advice = `Restore ${path} from a copy, or delete it to begin again from the beginning.`
  ) => Effect.fail(new CheckpointError({ reason: "torn", description: `the checkpoint ${path} ${what}`, advice }))

  const parsed = parse(bytes)
  if (typeof parsed !== "object" || parsed === null) return yield* refuse("is torn: it is not one whole piece of JSON")
  if ("version" in parsed && typeof parsed.version === "number" && parsed.version !== version) {
    return yield* refuse(
      `has version ${parsed.version}, and only version ${version} is known here`,
      `Finish the run with the callstream that wrote it, or delete ${path} to begin again from the beginning.`
    )
  }
  const { checksum, ...content } = { checksum: undefined, ...parsed }
  if (checksum !== (yield* checksumOf(content))) return yield* refuse("was changed after it was written")
  const { pipeline: owner, ...state } = yield* Effect.catchTag(decodeContent(content), "SchemaError", () =>
    refuse("does not hold the state of a pipeline")
  )
  if (owner !== pipeline) {
    return yield* Effect.fail(
      new CheckpointError({
        reason: "different",
        description: `the checkpoint ${path} belongs to the pipeline ${owner}, not to ${pipeline}`,
        advice: "Put the file back under its own name, or delete it to begin again from the beginning."
      })
    )
  }
  return state satisfies State
})
