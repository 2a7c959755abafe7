/** The transforms of a job as data: another thread makes the same ones of it. */
import * as Effect from "effect/Effect"
import type { Transforms as Spec } from "../option/PipelineSpec.ts"
import * as Transforms from "../option/Transforms.ts"
import type { UsageError, UsageErrors } from "../option/UsageError.ts"
import * as Zone from "../option/Zone.ts"

export interface Chain {
  /** With the key of hashes, if it is not in the environment: never written anywhere. */
  readonly transforms: Spec
  readonly tabular: boolean
  /** The name of the zone. */
  readonly zone: string
}

export const toTransform = ({
  tabular,
  transforms,
  zone
}: Chain): Effect.Effect<Transforms.Stage["upTo"], UsageError | UsageErrors> =>
  Effect.flatMap(zone === Zone.utc.name ? Effect.succeed(Zone.utc) : Zone.make(zone), (zone) =>
    Transforms.toTransform(transforms, { tabular, zone })
  )
