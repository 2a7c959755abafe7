/**
 * The events that webhooks carry.
 *
 * @since 0.1.0
 */

/**
 * An event of a call, before a `body` shapes it. In a sync there are also `previousSequence`, `changed` and `milestones`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebhookEvent {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly sequence: number
  readonly organization: string
  readonly sessionId: string
  /** The row; `null` of a call that is gone. */
  readonly data: unknown
  readonly [field: string]: unknown
}

/**
 * Makes a body of an event; `null` or `undefined` where the sink sends nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type Body = (event: WebhookEvent) => unknown
