/** The text of a checkpoint file: a state, the name of its pipeline, and a checksum over both. */
import * as Effect from "effect/Effect"
import * as Digest from "effect/crypto/Digest"
import * as Schema from "effect/Schema"
import { State } from "../Checkpoint.ts"
import { CheckpointError, type CheckpointReason } from "../CheckpointError.ts"
import { parse } from "./Files.ts"

const version = State.fields.version.literal

const Content = Schema.Struct({ ...State.fields, pipeline: Schema.String })
const decodeContent = Schema.decodeUnknownEffect(Content)
const encodeContent = Schema.encodeEffect(Content)

/** The checksum ignores white space, so a file that was only formatted is still valid. */
const checksumOf = (content: unknown) =>
  Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, new TextEncoder().encode(JSON.stringify(content))))

export const encode = Effect.fnUntraced(function* (path: string, pipeline: string, state: State) {
  const content = yield* Effect.mapError(
    encodeContent({ ...state, pipeline }),
    () => new CheckpointError({ reason: { _tag: "NotJson", path, what: "sinks" } })
  )
  return `${JSON.stringify({ ...content, checksum: yield* checksumOf(content) }, undefined, 2)}\n`
})

/** The state, or the reason why it is refused. */
export const decode = Effect.fnUntraced(function* (path: string, pipeline: string, bytes: Uint8Array) {
  const refuse = (problem: Extract<CheckpointReason, { readonly _tag: "Torn" }>["problem"]) =>
    Effect.fail(new CheckpointError({ reason: { _tag: "Torn", path, problem } }))

  const parsed = parse(bytes)
  if (typeof parsed !== "object" || parsed === null) return yield* refuse({ _tag: "NotWhole" })
  if ("version" in parsed && typeof parsed.version === "number" && parsed.version !== version) {
    return yield* refuse({ _tag: "OtherVersion", version: parsed.version, known: version })
  }
  const { checksum, ...content } = { checksum: undefined, ...parsed }
  if (checksum !== (yield* checksumOf(content))) return yield* refuse({ _tag: "Changed" })
  const { pipeline: owner, ...state } = yield* Effect.catchTag(decodeContent(content), "SchemaError", () =>
    refuse({ _tag: "NoState" })
  )
  if (owner !== pipeline) {
    return yield* new CheckpointError({ reason: { _tag: "OtherOwner", path, owner, pipeline } })
  }
  return state satisfies State
})
