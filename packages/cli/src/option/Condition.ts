/** Conditions as they may be repeated, and the fields whose values may be. */
import { CallSession } from "@callstream/core"

/** The fields whose values name no person. */
export const fields = {
  status: ({ status }: CallSession.CallSession) => status,
  channel: ({ channel }: CallSession.CallSession) => channel,
  outcome: CallSession.outcome,
  direction: CallSession.direction,
  agentId: ({ agentId }: CallSession.CallSession) => agentId
}
export type Field = keyof typeof fields

export const isField = (name: string): name is Field => Object.hasOwn(fields, name)

/** A condition as it may be repeated: `undefined` where it also reads fields that may name a person. */
export interface Condition {
  readonly text: string | undefined
  readonly fields: ReadonlyArray<Field>
}

export const condition = (text: string, names: ReadonlySet<string>): Condition => {
  const known = [...names].filter(isField)
  return { text: known.length === names.size ? text : undefined, fields: known }
}
