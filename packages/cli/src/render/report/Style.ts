/** The style and the script of a page: the same in every page, so that their hashes in its policy are, too. */

export const style = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--accent:#0b62c4;
--completed:#1f7a4d;--missed:#b7791f;--busy:#8a5a00;--voicemail:#7a4fb5;--failed:#c0362c;--progress:#3f7fbf;--other:#8b949e;
--proven:#1f7a4d;--doubt:#b7791f;--gap:#c0362c;--unknown:#8b949e}
@media (prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#171b22;--ink:#e6edf3;--soft:#9aa5b1;--line:#2d333b;--accent:#58a6ff;
--completed:#3fb27f;--missed:#e0a84a;--busy:#b98a3c;--voicemail:#ab85e0;--failed:#f0796f;--progress:#6cb0ee;--other:#768390;
--proven:#3fb27f;--doubt:#e0a84a;--gap:#f0796f;--unknown:#768390}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px}
h2{font-size:17px;line-height:1.3;margin:0}
p{margin:0}
.period,.lead,footer{color:var(--soft)}
.lead{font-size:14px;margin:2px 0 0}
main{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px;padding-top:20px;padding-bottom:20px}
.card,.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0}
.wide,.tiles{grid-column:1/-1}
.tiles{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:16px;margin:0}
.tile dt{font-size:14px;color:var(--soft)}
.tile dd{margin:0;font-size:26px;line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tile small{font-size:15px;font-weight:400}
.tile dd+dd{font-size:14px;font-weight:400;color:var(--soft)}
.strip{display:block;width:100%;height:22px;margin:12px 0 4px;border-radius:5px}
.ends{display:flex;justify-content:space-between;gap:12px;font-size:12px;color:var(--soft)}
.ends span:last-child{text-align:right}
.card ul:not(.legend){margin:8px 0 0;padding-left:20px;font-size:14px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 14px;margin:10px 0 0;padding:0;font-size:13px}
.legend li{display:flex;align-items:center;gap:6px}
.legend svg{width:14px;height:14px;border-radius:3px}
.plot{display:grid;grid-template-columns:46px minmax(0,1fr);grid-template-rows:200px 20px;column-gap:8px;margin-top:12px;border-radius:6px}
.plot.heat{grid-template-rows:196px 20px}
.plot svg{width:100%;height:100%;overflow:visible}
.plot .below{grid-column:2}
.plot text{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--line)}
.mark{stroke:var(--soft);stroke-dasharray:2 4}
.curve{fill:none;stroke:var(--accent);stroke-width:2.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.hit{fill:transparent}
.hit.on{fill:var(--ink);fill-opacity:.09}
.cell{stroke:var(--card);stroke-width:2}
.cell.on{stroke:var(--ink)}
.c-completed{fill:var(--completed)}.c-missed{fill:var(--missed)}.c-busy{fill:var(--busy)}.c-voicemail{fill:var(--voicemail)}
.c-failed{fill:var(--failed)}.c-progress{fill:var(--progress)}.c-other{fill:var(--other)}.c-accent{fill:var(--accent)}
.c-open{fill:url(#open)}
.s-proven{fill:var(--proven)}.s-provisional{fill:url(#doubt)}.s-unprovable{fill:url(#gap)}.s-unknown{fill:url(#unknown)}
${Array.from({ length: 9 }, (_, step) => `.h${step}{fill:color-mix(in oklab,var(--accent) ${[6, 15, 26, 37, 48, 60, 72, 86, 100][step]}%,var(--card))}`).join("")}
.defs{position:absolute;width:0;height:0}
.p-back{fill:var(--card)}
.p-doubt{stroke:var(--doubt);stroke-width:5}.p-gap{stroke:var(--gap);stroke-width:5}.p-unknown{stroke:var(--unknown);stroke-width:3}.p-open{stroke:var(--accent);stroke-width:4}
.steps{display:flex;align-items:center;gap:3px;margin-top:8px;font-size:12px;color:var(--soft)}
.steps svg{width:16px;height:12px;border-radius:2px}
.steps span:first-child{margin-right:4px}.steps span:last-child{margin-left:4px}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:5px 8px;border-bottom:1px solid var(--line);text-align:left;font-weight:400;vertical-align:middle}
thead th{color:var(--soft);font-size:13px;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody th{overflow-wrap:break-word;min-width:92px;max-width:260px}
.bar{width:34%;min-width:70px}
.inline{display:block;width:100%;height:14px;border-radius:3px}
.scroll{overflow-x:auto;margin-top:10px;position:relative}
details{margin-top:12px;font-size:14px}
summary{cursor:pointer;color:var(--accent)}
details .scroll{max-height:420px;overflow:auto}
footer{font-size:13px;padding-bottom:40px}
footer p+p{margin-top:6px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
#tip{position:absolute;z-index:2;left:0;top:0;max-width:min(320px,calc(100vw - 16px));background:var(--ink);color:var(--bg);padding:6px 10px;border-radius:6px;font-size:13px;line-height:1.4;white-space:pre-line;pointer-events:none}
#tip[hidden]{display:none}
@media (max-width:760px){main{grid-template-columns:minmax(0,1fr)}.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}header,main,footer{padding-left:12px;padding-right:12px}
.card,.tile{padding:14px}.tile dd{font-size:21px}.tile small{font-size:15px;font-weight:400}
.tile dd+dd{font-size:13px}.plot{grid-template-columns:40px minmax(0,1fr);column-gap:6px}.opt{display:none}.inline{height:12px}.bar{width:26%;min-width:48px}th,td{padding:5px 5px}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--accent:#0b62c4;--completed:#1f7a4d;--missed:#b7791f;--busy:#8a5a00;--voicemail:#7a4fb5;--failed:#c0362c;--progress:#3f7fbf;--other:#8b949e;--proven:#1f7a4d;--doubt:#b7791f;--gap:#c0362c;--unknown:#8b949e}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}body{font-size:12px}main{gap:10px;padding:10px 0}header,footer{padding-left:0;padding-right:0}.card,.tile{break-inside:avoid}details:not([open]){display:none}details .scroll{max-height:none}#tip{display:none}}
`

/** Shows the text of a mark to a pointer, a finger or the arrow keys. */
export const script = `
(()=>{const tip=document.getElementById("tip");let on=null
const show=(mark)=>{if(on)on.classList.remove("on");on=mark;if(!mark){tip.hidden=true;return}
mark.classList.add("on");tip.textContent=mark.dataset.t;tip.hidden=false
const box=mark.getBoundingClientRect(),width=tip.offsetWidth,height=tip.offsetHeight
const top=box.top-height-6<4?box.bottom+6:box.top-height-6
tip.style.left=Math.max(8,Math.min(document.documentElement.clientWidth-width-8,box.left+box.width/2-width/2))+scrollX+"px"
tip.style.top=top+scrollY+"px"}
const at=(event)=>event.target instanceof Element?event.target.closest("[data-t]"):null
addEventListener("pointermove",(event)=>{if(event.pointerType!=="touch"){const mark=at(event);if(mark!==on&&(mark||!on||!on.closest(".plot:focus-visible")))show(mark)}})
addEventListener("pointerdown",(event)=>show(at(event)))
addEventListener("focusout",()=>show(null))
addEventListener("keydown",(event)=>{if(event.key==="Escape"){show(null);return}
const plot=document.activeElement&&document.activeElement.closest(".plot");if(!plot)return
const marks=[...plot.querySelectorAll("[data-t]")],row=Number(plot.dataset.row||1),last=marks.length-1,now=marks.indexOf(on)
const step={ArrowRight:1,ArrowLeft:-1,ArrowDown:row,ArrowUp:-row}[event.key]
const next=event.key==="Home"?0:event.key==="End"?last:step===undefined?-1:now<0?0:now+step
if(event.key!=="Home"&&event.key!=="End"&&step===undefined)return
event.preventDefault();if(next>=0&&next<=last)show(marks[next])})})()
`
