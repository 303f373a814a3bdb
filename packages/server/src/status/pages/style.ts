import { createHash } from "node:crypto";

/** The whole style of the public pages. In the page itself, so that a page is one file and asks for nothing. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#17202c;--soft:#526071;--line:#dfe4ea;--link:#0b57b7;
--button:#0b57b7;--up:#2da66a;--degraded:#e0b000;--partial:#e8792b;--down:#d33a3a;--maint:#3f7fe0;--none:#d3d9e0;
--up-text:#14713f;--degraded-text:#7a5b00;--partial-text:#a3440a;--down-text:#b32020;--maint-text:#1f57b0;
--banner-text:#fff;--banner-up:#1c7a4a;--banner-minor:#8a6500;--banner-major:#b04a0c;--banner-critical:#b32020;--banner-maintenance:#2459ad}
@media(prefers-color-scheme:dark){:root{--bg:#0f141b;--card:#182029;--text:#e7ecf2;--soft:#9fadbd;--line:#2a3541;--link:#7db4ff;
--up:#35b878;--degraded:#e6bd2e;--partial:#f08a42;--down:#ee5a5a;--maint:#5c97f0;--none:#38444f;
--up-text:#5ed69a;--degraded-text:#edc94f;--partial-text:#f7a56b;--down-text:#ff8a8a;--maint-text:#8bb8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
.wrap{max-width:880px;margin:0 auto;padding:0 20px}
a{color:var(--link);text-underline-offset:2px}
a:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
header.top{padding:36px 0 20px}
header.top .wrap{display:flex;align-items:baseline;justify-content:space-between;gap:16px;flex-wrap:wrap}
h1{font-size:1.6rem;line-height:1.25;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h1 a{color:inherit;text-decoration:none}
h2{font-size:1.15rem;margin:40px 0 12px}
h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
.note{color:var(--soft);font-size:.875rem}
.banner{border-radius:12px;padding:20px 24px;color:var(--banner-text);background:var(--banner-up);display:flex;align-items:center;gap:14px;font-size:1.25rem;font-weight:650}
.banner svg{flex:none;width:28px;height:28px}
.banner.minor{background:var(--banner-minor)}.banner.major{background:var(--banner-major)}
.banner.critical{background:var(--banner-critical)}.banner.maintenance{background:var(--banner-maintenance)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;margin:0 0 14px}
ul.plain,ol.plain{list-style:none;margin:0;padding:0}
.component{padding:16px 20px;border-top:1px solid var(--line)}
.component:first-child{border-top:0}
.row{display:flex;justify-content:space-between;align-items:baseline;gap:12px;flex-wrap:wrap}
.component .name{font-weight:600;overflow-wrap:anywhere}
.state{font-size:.9rem;font-weight:600;white-space:nowrap}
.state::before{content:"";display:inline-block;width:.6em;height:.6em;border-radius:50%;background:currentColor;margin-right:.45em}
.state.operational{color:var(--up-text)}.state.degraded_performance{color:var(--degraded-text)}
.state.partial_outage{color:var(--partial-text)}.state.major_outage{color:var(--down-text)}
.state.under_maintenance{color:var(--maint-text)}
svg.bars{display:block;width:100%;height:34px;margin:10px 0 4px}
.b-none{fill:var(--none)}.b-up{fill:var(--up)}.b-degraded{fill:var(--degraded)}.b-partial{fill:var(--partial)}
.b-down{fill:var(--down)}.b-maint{fill:var(--maint)}
.scale{display:flex;justify-content:space-between;gap:8px;color:var(--soft);font-size:.8125rem}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:4px 0 0;padding:0;list-style:none;color:var(--soft);font-size:.8125rem}
.legend svg{width:10px;height:10px;margin-right:6px}
.graph{padding:16px 20px;border-top:1px solid var(--line)}.graph:first-child{border-top:0}
svg.latency{display:block;width:100%;height:auto;margin-top:6px;overflow:visible}
.latency .line{fill:none;stroke:var(--maint);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.latency .dot{fill:var(--maint)}
.latency .grid{stroke:var(--line);stroke-width:1}
.latency text{fill:var(--soft);font-size:12px;font-family:inherit}
.incident{padding:18px 20px;border-left:5px solid var(--line)}
.incident.critical,.incident.major{border-left-color:var(--down)}.incident.minor{border-left-color:var(--degraded)}
.incident.maintenance{border-left-color:var(--maint)}.incident.over{border-left-color:var(--line)}
.incident p{margin:4px 0}
.update{margin:14px 0 0;padding:0 0 0 14px;border-left:2px solid var(--line)}
.update .what{font-weight:600}
.empty{padding:18px 20px;color:var(--soft);margin:0}
footer{margin:48px 0 40px;padding-top:18px;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}
footer ul{display:flex;flex-wrap:wrap;gap:6px 18px;list-style:none;margin:0 0 10px;padding:0}
form.card{padding:18px 20px}form h3{margin:0 0 4px}form p{margin:0 0 12px}
label.field{display:block;font-weight:600;font-size:.9rem}
input[type=email],input[type=url]{display:block;width:100%;max-width:420px;margin:4px 0 12px;padding:9px 12px;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--soft);border-radius:8px}
fieldset{border:0;margin:0 0 14px;padding:0}legend{padding:0;font-weight:600;font-size:.9rem}
label.choice{display:block;padding:3px 0}label.choice input{margin:0 8px 0 0}
button{font:inherit;font-weight:600;padding:9px 18px;border-radius:8px;border:1px solid transparent;background:var(--button);color:#fff;cursor:pointer}
button.plain{background:none;border-color:var(--soft);color:inherit}
button:focus-visible,input:focus-visible{outline:3px solid var(--link);outline-offset:2px}
code{overflow-wrap:anywhere;background:var(--bg);padding:2px 6px;border-radius:6px}
.skip{position:absolute;left:-9999px}.skip:focus{left:12px;top:12px;background:var(--card);padding:8px 12px;z-index:1}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(max-width:520px){.latency text{font-size:21px}svg.latency{min-height:110px}.wrap{padding:0 14px}header.top{padding:24px 0 14px}.banner{padding:16px 18px;font-size:1.1rem}.component,.graph,.incident{padding-left:14px;padding-right:14px}}
@media(forced-colors:active){.state::before{background:CanvasText}.b-none{fill:GrayText}}
@media print{body{background:#fff}.card{break-inside:avoid}}
`;

const HASH = createHash("sha256").update(STYLE).digest("base64");

/** Nothing but this very style: no script, no font, no image, no frame, no form. */
export const POLICY = policyOf("'none'");
/** The same, and forms that are sent to ourselves. */
export const FORMS_POLICY = policyOf("'self'");
/**
 * Nobody else hears of these pages' addresses, which have tokens in them. Not `no-referrer`: by that a browser says `Origin: null` of
 * a form (Fetch, "append a request Origin header"), which is what a form of another site may say, too.
 */
export const FORMS_REFERRER = "same-origin";

function policyOf(formAction: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${HASH}'`,
    "img-src 'self'",
    "base-uri 'none'",
    `form-action ${formAction}`,
  ].join("; ");
}
