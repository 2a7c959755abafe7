/** Values as JSON in columns: drivers differ in what they make of JSON, so it is read and written as text. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { FleetError } from "../FleetError.ts"

export const encode = <S extends Schema.Codec<unknown, unknown>>(schema: S, value: S["Type"]): string =>
  JSON.stringify(Schema.encodeSync(schema)(value))

/** What a column holds. Fails where another version wrote it. */
export const decode = <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  run: string,
  text: string
): Effect.Effect<S["Type"], FleetError> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text),
    () => new FleetError({ reason: { _tag: "Unreadable", run } })
  )
