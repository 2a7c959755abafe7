/**
 * The interface of https://standardschema.dev, which schema libraries share.
 *
 * @since 0.1.0
 */

/**
 * A schema of any library.
 *
 * @since 0.1.0
 * @category models
 */
export interface StandardSchema<out Output> {
  readonly "~standard": {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/**
 * The answer of a schema.
 *
 * @since 0.1.0
 * @category models
 */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<StandardIssue> }

/**
 * A mistake in a value, and its place.
 *
 * @since 0.1.0
 * @category models
 */
export interface StandardIssue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}
