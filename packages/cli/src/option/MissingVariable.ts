/** The environment variables for lack of which a pipeline cannot run here. */
import { PipelineFileError } from "./PipelineFileError.ts"
import { type UsageError, UsageErrors } from "./UsageError.ts"

/** The one that is not set, if that is what is wrong. */
export const variableOf = ({ reason }: UsageError): string | undefined => {
  switch (reason._tag) {
    case "NoApiKey":
      return "AGNI_API_KEY"
    case "VariableNotSet":
    case "NoWebhookSecret":
    case "NoRedactKey":
      return reason.variable
    default:
      return undefined
  }
}

/** All that an error names. */
export const variablesIn = (error: UsageError | UsageErrors | PipelineFileError): ReadonlyArray<string> => {
  const found =
    error instanceof PipelineFileError
      ? error.mistakes.map(({ variable }) => variable)
      : error instanceof UsageErrors
        ? error.errors.map(variableOf)
        : [variableOf(error)]
  return [...new Set(found.filter((name) => name !== undefined))]
}
