/** What to do about an error of the API, by its reason, in the language of flags or of a file's keys. */
import type { AgniError } from "@callstream/core"
import type { Malformed, Outage } from "@callstream/core/model/AgniError"
import type { Speaker } from "../Speaker.ts"

const adviceForOutage = (outage: Outage, { name, on }: Speaker): string => {
  switch (outage._tag) {
    case "Unreachable":
      return outage.proxy === undefined
        ? unreachable(outage.code, name({ option: "baseUrl" }))
        : `Start that proxy, correct ${outage.proxy.variable}, or add the API's host to NO_PROXY.`
    case "TimedOut":
      return `Try again later, with a longer ${name({ option: "timeout" })} or a smaller ${name({ option: "pageSize" })}.`
    case "Status":
      return `The server failed, not the request: try again later with more ${name({ option: "retries" })}, or skip failing records with ${on("keepGoing")}.`
    case "CutOff":
    case "Unsuccessful":
    case "DecoderEnded":
      return `Try again later, with more ${name({ option: "retries" })}.`
  }
}

const unreachable = (code: string | undefined, baseUrl: string): string => {
  switch (code) {
    case "ENOTFOUND":
      return `Check ${baseUrl}, AGNI_BASE_URL and the network.`
    case "EAI_AGAIN":
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return "Check the network of this machine."
    case "CERT_HAS_EXPIRED":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "Set NODE_EXTRA_CA_CERTS to the certificate of the authority that signed it, if you trust it."
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `Check the host name in ${baseUrl} and AGNI_BASE_URL.`
    default:
      return `Check that ${baseUrl} and AGNI_BASE_URL name the right server, or try again later.`
  }
}

const adviceForMalformed = (problem: Malformed, { name }: Speaker): string => {
  switch (problem._tag) {
    case "RedirectedElsewhere":
      return `Set ${name({ option: "baseUrl" })} to that origin, if the API has moved there.`
    case "TooManyRedirects":
    case "RedirectedNowhere":
    case "NoContent":
      return `Check that ${name({ option: "baseUrl" })} and AGNI_BASE_URL name the API.`
    case "NoList":
      return `If no request is answered with calls, check that ${name({ option: "baseUrl" })} and AGNI_BASE_URL name the API. Otherwise try again later, with more ${name({ option: "retries" })}.`
    case "TooLarge":
      return `Ask for smaller pages with ${name({ option: "pageSize" })}.`
    case "Html":
      return "Check whether a proxy, a firewall or a login page is between this machine and the API."
    case "NotJson":
      return "Try again later; --debug shows each attempt."
    case "MadeUp":
      return `Set ${name({ option: "baseUrl" })} to a server that keeps a list of calls: there is nothing to read here.`
  }
}

/** Nothing for a request that was refused before it was sent: what is wrong with it says what to do. */
export const adviceFor = (
  { alone, reason }: Pick<AgniError, "reason" | "alone">,
  speaker: Speaker
): string | undefined => {
  const { name, on } = speaker
  if (alone === true) return `Skip records that fail with ${on("keepGoing")}.`
  const slower = `with a lower ${name({ option: "rate" })}, such as ${name({ option: "rate", value: "2" })}`
  switch (reason._tag) {
    case "Unauthorized":
      return `Check the key in AGNI_API_KEY or ${name({ option: "apiKeyFile" })}: is it whole, and of the right organization?`
    case "Forbidden":
      return "Ask the owner of the organization whether its plan and this key may use the API."
    case "NotFound":
      return `The API is at https://api.ravan.ai: do ${name({ option: "baseUrl" })} and AGNI_BASE_URL say otherwise?`
    case "RateLimited":
      return reason.retryAfter === undefined
        ? `Try again in a while ${slower}.`
        : `Wait as long as it asks, then try again ${slower}.`
    case "Unavailable":
      return reason.retryAfter === undefined
        ? adviceForOutage(reason.outage, speaker)
        : "Wait as long as it asks, then try again."
    case "InvalidResponse":
      return adviceForMalformed(reason.problem, speaker)
    case "InvalidRequest":
      if (reason.allowedBy !== undefined)
        return `Use https, or add ${speaker.on("allowHttp")} if the way there is safe.`
      return reason.status === undefined
        ? undefined
        : `Check the values of the filters, and set a smaller ${name({ option: "pageSize" })} if the server says so.`
  }
}
