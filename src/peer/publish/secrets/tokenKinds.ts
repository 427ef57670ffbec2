/**
 * The forms of tokens that their issuers have published: how each begins, and what follows. To add one, add a line.
 * A token is at least 20 characters of letters, digits, `_`, `-`, `.` and `~`: `tokenSearch.ts` finds by that.
 */

/** A form whose rest is random: after `begins` comes what matches `rest`. */
export interface TokenKind {
  /** Completes “… stands in line 3.” */
  readonly kind: string
  readonly begins: readonly string[]
  /** Anchored at its beginning; what it matches has to look random. */
  readonly rest: RegExp
  /** What has to stand before it, anchored at its end. */
  readonly before?: RegExp
  /** A closer look at the whole token. */
  readonly judge?: (token: string) => boolean
}

const ALNUM = (least: number, most?: number) =>
  new RegExp(`^[A-Za-z0-9]{${least},${most ?? ''}}(?![A-Za-z0-9])`)
const WORD = (least: number) => new RegExp(`^[\\w-]{${least},}`)
const HEX = (digits: number) => new RegExp(`^[0-9a-f]{${digits}}(?![0-9a-zA-Z])`)

export const TOKEN_KINDS: readonly TokenKind[] = [
  { kind: 'A GitHub token', begins: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], rest: /^[A-Za-z0-9_]{30,}/ },
  { kind: 'A GitHub token', begins: ['github_pat_'], rest: /^[A-Za-z0-9]{20,}_?[A-Za-z0-9]{20,}/ },
  {
    kind: 'A GitLab token',
    begins: [
      'glpat-',
      'gldt-',
      'glrt-',
      'glptt-',
      'glcbt-',
      'glft-',
      'glimt-',
      'glagent-',
      'gloas-',
      'glsoat-',
    ],
    rest: /^[\w.-]{20,}/,
  },
  { kind: 'A Bitbucket token', begins: ['ATBB', 'ATCTT3', 'ATATT3'], rest: /^[\w=-]{24,}/ },
  {
    kind: 'A Slack token',
    begins: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxo-', 'xapp-'],
    rest: WORD(20),
  },
  { kind: 'A Slack token', begins: ['xoxe.', 'xoxe-'], rest: /^[\w.-]{20,}/ },
  { kind: 'A Stripe key', begins: ['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_'], rest: ALNUM(20) },
  { kind: 'A Stripe webhook secret', begins: ['whsec_'], rest: /^[A-Za-z0-9+/=]{24,}/ },
  { kind: 'An OpenAI key', begins: ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'], rest: WORD(20) },
  { kind: 'An OpenAI key', begins: ['sk-'], rest: ALNUM(40) },
  { kind: 'An Anthropic key', begins: ['sk-ant-'], rest: WORD(24) },
  { kind: 'An OpenRouter key', begins: ['sk-or-v1-'], rest: HEX(64) },
  { kind: 'A DeepSeek key', begins: ['sk-'], rest: HEX(32) },
  { kind: 'A LangSmith key', begins: ['lsv2_'], rest: WORD(24) },
  { kind: 'A Hugging Face token', begins: ['hf_', 'api_org_'], rest: ALNUM(30) },
  { kind: 'A Replicate token', begins: ['r8_'], rest: ALNUM(30) },
  { kind: 'A Groq key', begins: ['gsk_'], rest: ALNUM(40) },
  { kind: 'An xAI key', begins: ['xai-'], rest: ALNUM(40) },
  { kind: 'A Perplexity key', begins: ['pplx-'], rest: ALNUM(40) },
  { kind: 'An npm token', begins: ['npm_'], rest: ALNUM(36) },
  { kind: 'A PyPI token', begins: ['pypi-'], rest: /^AgE[\w-]{40,}/ },
  { kind: 'A RubyGems key', begins: ['rubygems_'], rest: HEX(48) },
  { kind: 'A crates.io token', begins: ['cio'], rest: ALNUM(32, 32) },
  { kind: 'A NuGet key', begins: ['oy2'], rest: /^[a-z0-9]{43}(?![A-Za-z0-9])/ },
  { kind: 'A Docker token', begins: ['dckr_pat_', 'dckr_oat_'], rest: WORD(24) },
  { kind: 'A JFrog token', begins: ['AKCp', 'cmVmd'], rest: ALNUM(55) },
  {
    kind: 'An AWS access key',
    begins: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    rest: /^[A-Z0-9]{16}(?![A-Za-z0-9_])/,
  },
  { kind: 'An AWS key of Bedrock', begins: ['ABSK'], rest: /^[A-Za-z0-9+/=]{60,}/ },
  { kind: 'An Amazon MWS token', begins: ['amzn.mws.'], rest: /^[0-9a-f-]{36}/ },
  { kind: 'A Google API key', begins: ['AIza'], rest: /^[\w-]{35}/ },
  { kind: 'A Google OAuth secret', begins: ['GOCSPX-'], rest: WORD(24) },
  { kind: 'A Google access token', begins: ['ya29.'], rest: /^[\w.-]{20,}/ },
  { kind: 'A DigitalOcean token', begins: ['dop_v1_', 'doo_v1_', 'dor_v1_'], rest: /^[0-9a-f]{60,}/ },
  { kind: 'A Vault token', begins: ['hvs.', 'hvb.', 'hvr.'], rest: WORD(20) },
  { kind: 'A Pulumi token', begins: ['pul-'], rest: HEX(40) },
  { kind: 'A Heroku token', begins: ['HRKU-'], rest: WORD(30) },
  { kind: 'A Fly token', begins: ['fo1_', 'fm1a_', 'fm1r_', 'fm2_', 'lJPEC'], rest: /^[\w+/=,-]{30,}/ },
  { kind: 'A Netlify token', begins: ['nfp_', 'nfc_', 'nfo_', 'nfb_', 'nfu_'], rest: ALNUM(30) },
  { kind: 'A Vercel token', begins: ['vcp_', 'vci_', 'vca_', 'vcr_', 'vck_'], rest: ALNUM(20) },
  { kind: 'A Supabase token', begins: ['sbp_'], rest: HEX(40) },
  { kind: 'A Supabase key', begins: ['sb_secret_'], rest: WORD(20) },
  {
    kind: 'A PlanetScale token',
    begins: ['pscale_tkn_', 'pscale_oauth_', 'pscale_pw_'],
    rest: /^[\w.=-]{30,}/,
  },
  { kind: 'A Neon key', begins: ['napi_'], rest: ALNUM(40) },
  {
    kind: 'A Databricks token',
    begins: ['dapi', 'dkea', 'dose'],
    rest: /^[0-9a-f]{32}(?:-\d)?(?![0-9a-zA-Z])/,
  },
  { kind: 'A Grafana token', begins: ['glsa_'], rest: /^[A-Za-z0-9]{32}_[0-9a-fA-F]{8}/ },
  { kind: 'A Grafana token', begins: ['glc_'], rest: /^[A-Za-z0-9+/=]{32,}/ },
  { kind: 'A Sentry token', begins: ['sntrys_', 'sntryu_'], rest: /^[\w+/=-]{40,}/ },
  { kind: 'A New Relic key', begins: ['NRAK-', 'NRIQ-', 'NRRA-', 'NRII-'], rest: /^[\w-]{24,}/ },
  { kind: 'A Dynatrace token', begins: ['dt0c01.', 'dt0s16.'], rest: /^[A-Z0-9]{24}\.[A-Z0-9]{64}/ },
  { kind: 'A SendGrid key', begins: ['SG.'], rest: /^[\w-]{20,24}\.[\w-]{39,}/ },
  { kind: 'A Mailgun key', begins: ['key-'], rest: HEX(32) },
  { kind: 'A Brevo key', begins: ['xkeysib-', 'xsmtpsib-'], rest: /^[0-9a-f]{64}-/ },
  { kind: 'A Resend key', begins: ['re_'], rest: /^[A-Za-z0-9]{8,}_[A-Za-z0-9]{20,}/ },
  {
    kind: 'A Shopify token',
    begins: ['shpat_', 'shpss_', 'shpca_', 'shppa_', 'shptka_'],
    rest: /^[0-9a-fA-F]{32}/,
  },
  { kind: 'A Square token', begins: ['sq0csp-', 'sq0atp-', 'sq0idp-', 'EAAAE'], rest: WORD(22) },
  { kind: 'A Facebook token', begins: ['EAACEdEose', 'EAAG', 'EAAC', 'EAAB'], rest: ALNUM(60) },
  { kind: 'A Twilio key', begins: ['SK'], rest: HEX(32) },
  {
    kind: 'A Telegram bot token',
    begins: ['AA'],
    rest: /^[\w-]{33}(?![\w-])/,
    before: /(?:^|[^\w.]|\\[nrt])(?:bot)?\d{8,10}:$/,
  },
  { kind: 'A Linear key', begins: ['lin_api_', 'lin_oauth_'], rest: ALNUM(32) },
  { kind: 'A Figma token', begins: ['figd_', 'figo_', 'figu_'], rest: WORD(30) },
  { kind: 'A Notion token', begins: ['ntn_', 'secret_'], rest: ALNUM(40) },
  { kind: 'An Airtable token', begins: ['pat'], rest: /^[A-Za-z0-9]{14}\.[0-9a-f]{64}/ },
  { kind: 'A Postman key', begins: ['PMAK-'], rest: /^[0-9a-f]{24}-[0-9a-f]{34}/ },
  { kind: 'A CircleCI token', begins: ['CCIPAT_', 'CCIPRJ_'], rest: WORD(30) },
  { kind: 'A Buildkite token', begins: ['bkua_', 'bkaj_', 'bkct_'], rest: ALNUM(30) },
  { kind: 'A Tailscale key', begins: ['tskey-'], rest: /^[a-z]+-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}/ },
  { kind: 'A 1Password token', begins: ['ops_'], rest: /^eyJ[\w+/=-]{60,}/ },
  { kind: 'A Doppler token', begins: ['dp.pt.', 'dp.st.', 'dp.ct.', 'dp.sa.'], rest: /^[\w.-]{30,}/ },
  { kind: 'A Contentful token', begins: ['CFPAT-'], rest: WORD(40) },
  { kind: 'An Atlassian key', begins: ['ATSTT3'], rest: WORD(40) },
  { kind: 'A Cloudflare key', begins: ['v1.0-'], rest: /^[0-9a-f]{24}-[0-9a-f]{140,}/ },
  { kind: 'A Clojars token', begins: ['CLOJARS_'], rest: /^[0-9a-z]{50,}/ },
  { kind: 'A SonarQube token', begins: ['sqp_', 'squ_', 'sqa_'], rest: /^[0-9a-f]{40}/ },
  { kind: 'A Sourcegraph token', begins: ['sgp_'], rest: /^(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}/ },
  { kind: 'A Typeform token', begins: ['tfp_'], rest: /^[\w.-]{40,}/ },
  { kind: 'A Hashnode or EasyPost key', begins: ['EZAK', 'EZTK'], rest: ALNUM(50) },
  { kind: 'A Duffel token', begins: ['duffel_live_', 'duffel_test_'], rest: /^[\w=-]{40,}/ },
  { kind: 'An age key', begins: ['AGE-SECRET-KEY-1', 'AGE-SECRET-KEY-PQ-1'], rest: /^[0-9A-Za-z]{50,}/ },
  { kind: 'A private key of Nostr', begins: ['nsec1'], rest: /^[02-9ac-hj-np-z]{58}/ },
  { kind: 'A private key of a wallet', begins: ['xprv', 'yprv', 'zprv', 'tprv'], rest: ALNUM(100) },
  { kind: 'A private key', begins: ['LS0tLS1CRUdJTi'], rest: /^[A-Za-z0-9+/=]{80,}/, judge: isEncodedKey },
  {
    kind: 'A signed access token (JWT)',
    begins: ['eyJ'],
    rest: /^[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/,
    judge: isLiveJwt,
  },
]

/** Forms that are known by what stands inside of them, `at` characters after their beginning. */
export const TOKENS_BY_INSIDE: readonly { kind: string; at: number; inside: string; whole: RegExp }[] = [
  {
    kind: 'A client secret of Azure',
    at: 4,
    inside: 'Q~',
    whole: /^[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])/,
  },
  {
    kind: 'An HCP Terraform token',
    at: 14,
    inside: '.atlasv1.',
    whole: /^[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}/,
  },
  // Before the first dot stands the number of the bot, of 18 or 19 digits.
  { kind: 'A Discord bot token', at: 24, inside: '.', whole: /^[MNO][\w-]{23}\.[\w-]{6}\.[\w-]{27,}/ },
  { kind: 'A Discord bot token', at: 26, inside: '.', whole: /^[MNO][\w-]{25}\.[\w-]{6}\.[\w-]{27,}/ },
  { kind: 'A Mailchimp key', at: 32, inside: '-us', whole: /^[0-9a-f]{32}-us\d{1,2}(?![\w-])/ },
]

const BODY_OF_JWT = /^[^.]+\.([^.]+)\./

/** Examples, keys that are meant to be public, and expired tokens give nothing away. */
function isLiveJwt(token: string): boolean {
  try {
    const body = Buffer.from(BODY_OF_JWT.exec(token)?.[1] ?? '', 'base64url').toString('utf8')
    const { exp, sub, name, role }: Record<string, unknown> = JSON.parse(body)
    if (typeof exp === 'number' && exp * 1000 < Date.now()) return false
    return sub !== '1234567890' && name !== 'John Doe' && role !== 'anon'
  } catch {
    return false
  }
}

function isEncodedKey(token: string): boolean {
  return Buffer.from(token, 'base64').toString('latin1').includes('PRIVATE KEY')
}
