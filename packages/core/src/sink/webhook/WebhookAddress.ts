/**
 * Which addresses a webhook may be sent to.
 *
 * A URL that comes from a form or a file must not make this machine talk to its own network: to a database without a
 * password, or to the address from which a cloud's machines get their credentials.
 *
 * @since 0.1.0
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/**
 * - `public`: the open internet.
 * - `private`: this machine, its network, its link, and ranges set aside for neither.
 * - `unusable`: nobody's own address: unspecified, multicast, broadcast, reserved.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "public" | "private" | "unusable"

const networks = (...texts: ReadonlyArray<string>) => texts.map(IpNetwork.fromStringUnsafe)

// The special-purpose registries of IANA; what is in none of these lists is public for IPv4, and private for IPv6
// outside 2000::/3, from which all public addresses are given.
const unusable = networks("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8")
const privateV4 = networks(
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24"
)
const global = IpNetwork.fromStringUnsafe("2000::/3")
const specialV6 = networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
/** Networks without IPv4 reach it through these. */
const nat64 = IpNetwork.fromStringUnsafe("64:ff9b::/96")

const among = (list: ReadonlyArray<IpNetwork.IpNetwork>, address: NetAddress.IpAddress): boolean =>
  list.some((network) => IpNetwork.contains(network, address))

/**
 * What kind of address it is. An IPv4 address inside an IPv6 one counts as what it is itself.
 *
 * @since 0.1.0
 * @category reading
 */
export const kindOf = (input: NetAddress.IpAddress): Kind => {
  const address = inner(NetAddress.toCanonical(input))
  if (among(unusable, address)) return "unusable"
  if (NetAddress.isIpv4Address(address)) return among(privateV4, address) ? "private" : "public"
  return IpNetwork.contains(global, address) && !among(specialV6, address) ? "public" : "private"
}

const inner = (address: NetAddress.IpAddress): NetAddress.IpAddress =>
  NetAddress.isIpv6Address(address) && IpNetwork.contains(nat64, address)
    ? NetAddress.ipv4FromBytesUnsafe(Uint8Array.from(NetAddress.ipv6ToOctets(address)).subarray(12))
    : address

/**
 * The address that a URL names itself; none when it names a host.
 *
 * @since 0.1.0
 * @category reading
 */
export const literal = (url: URL): Option.Option<NetAddress.IpAddress> =>
  Result.getSuccess(NetAddress.ipFromString(url.hostname.replace(/^\[|\]$/g, "")))

/**
 * Why an address may not be sent to.
 *
 * - `unusable`: it is not one of a host.
 * - `private`: it is a loopback, private or link-local one, and those are not allowed.
 * - `plainHttp`: plain http goes to private addresses only.
 *
 * @since 0.1.0
 * @category models
 */
export type Refusal = "unusable" | "private" | "plainHttp"

/**
 * Why a URL whose host has these addresses may not be sent to; `undefined` when it may. One address that may not be
 * refuses the host. Plain http may go to private addresses only, and those only when they are allowed.
 *
 * @since 0.1.0
 * @category checks
 */
export const refusal = (
  url: URL,
  addresses: ReadonlyArray<NetAddress.IpAddress>,
  allowPrivateHosts: boolean
): Refusal | undefined => {
  const kinds = new Set(addresses.map(kindOf))
  if (kinds.has("unusable")) return "unusable"
  if (kinds.has("private") && !allowPrivateHosts) return "private"
  if (kinds.has("public") && url.protocol !== "https:") return "plainHttp"
  return undefined
}

/**
 * Describes a receiver's host that does not exist, or that is not allowed.
 *
 * @since 0.1.0
 * @category reading
 */
export const hostProblems = {
  unusable: "its address is not one of a host",
  private: "its address is a loopback, private or link-local one",
  plainHttp: "plain http goes to private addresses only",
  unknown: "there is no host of that name",
  lookup: "the name of the host could not be looked up"
} as const
