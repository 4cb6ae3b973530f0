import { chromium } from '@playwright/test';
const base='http://127.0.0.1:3311', B='8f3b347b25984686';
const b=await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--autoplay-policy=no-user-gesture-required']});
for (const [name,vp,scheme] of [['desk',{width:1440,height:900},'light'],['phone',{width:390,height:844},'dark']]) {
  const c=await b.newContext({viewport:vp,colorScheme:scheme}); const p=await c.newPage();
  p.on('pageerror',e=>console.log('ERR',e.message));
  await p.goto(base+`/read/${B}/1`); await p.waitForSelector('[data-player]',{state:'attached'}).catch(()=>{}); await p.waitForTimeout(1500);
  await p.click('.player .speed'); await p.waitForTimeout(300); await p.screenshot({path:`/tmp/sh-${name}-speed.png`}); await p.keyboard.press('Escape');
  if (name==='phone') { await p.click('.player .voice'); await p.waitForTimeout(600); await p.screenshot({path:`/tmp/sh-${name}-voices.png`}); }
  await p.click('[data-do=heard-wrong]:visible'); await p.waitForTimeout(800); await p.screenshot({path:`/tmp/sh-${name}-heard.png`});
  await p.click('.heard-buttons a >> nth=0'); await p.waitForTimeout(800); await p.screenshot({path:`/tmp/sh-${name}-passage.png`});
  await p.click('.passage .at-once button >> nth=-1'); await p.waitForTimeout(800); await p.screenshot({path:`/tmp/sh-${name}-passage2.png`});
  await p.keyboard.press('Escape'); await p.waitForTimeout(400); await p.screenshot({path:`/tmp/sh-${name}-read.png`});
  await p.click('a[data-panel][href$="/notes"]:visible').catch(e=>console.log('nonotes')); await p.waitForTimeout(800); await p.screenshot({path:`/tmp/sh-${name}-notes.png`});
  await p.goto(base+'/settings'); await p.waitForTimeout(800); await p.click('.pauses-own').catch(e=>console.log(e.message.slice(0,200))); await p.waitForTimeout(300); await p.screenshot({path:`/tmp/sh-${name}-settings.png`,fullPage:true});
  await p.goto(base+`/book/${B}`); await p.click('.manage > summary'); await p.click('.matter > summary'); await p.waitForTimeout(300); await p.screenshot({path:`/tmp/sh-${name}-book.png`,fullPage:true});
  await p.goto(base+'/engines'); await p.waitForTimeout(300);
  await c.close();
}
await b.close();
