//! What a gate reads and changes of one request of an Envoy in memory.
//!
//! Does not know what the filter does with it. Invariant: a call that was told to fail changes nothing.

use filter::headers::HeaderMap;
use filter::host::{HostError, RequestHost};
use filter::reply::Reply;

use super::FakeHost;
use super::host::Call;
use super::pairs::map_of;

impl RequestHost for FakeHost {
    fn request_headers(&self) -> Result<HeaderMap, HostError> {
        self.called(Call::Headers)?;
        Ok(map_of(&self.request_map()?))
    }

    fn set_request_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        self.called(Call::SetHeader)?;
        let mut headers = self.request_map()?;
        headers.retain(|(other, _)| other != name);
        headers.push((name.to_vec(), value.to_vec()));
        Ok(())
    }

    fn remove_request_header(&self, name: &[u8]) -> Result<(), HostError> {
        self.called(Call::RemoveHeader)?;
        let mut headers = self.request_map()?;
        headers.retain(|(other, _)| other != name);
        Ok(())
    }

    fn request_trailers(&self) -> Result<HeaderMap, HostError> {
        self.called(Call::Trailers)?;
        Ok(map_of(&self.trailers.borrow()))
    }

    fn remove_request_trailer(&self, name: &[u8]) -> Result<(), HostError> {
        self.called(Call::Trailers)?;
        let mut trailers = self.trailers.borrow_mut();
        trailers.retain(|(other, _)| other != name);
        Ok(())
    }

    fn request_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError> {
        self.called(Call::Body)?;
        self.body_reads.set(self.body_reads.get() + 1);
        let body = self.body.borrow();
        body.get(start..start + len)
            .map(<[u8]>::to_vec)
            .ok_or(HostError(2))
    }

    fn replace_request_body(&self, size: usize, body: &[u8]) -> Result<(), HostError> {
        self.called(Call::SetBody)?;
        let mut held = self.body.borrow_mut();
        // Envoy replaces all of it or nothing.
        match held.len() == size {
            true => *held = body.to_vec(),
            false => return Err(HostError(2)),
        }
        Ok(())
    }

    fn response_headers(&self) -> Result<HeaderMap, HostError> {
        self.called(Call::ResponseHeaders)?;
        Ok(map_of(&self.response_map()?))
    }

    fn set_response_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        let mut headers = self.response_map()?;
        headers.retain(|(other, _)| other != name);
        headers.push((name.to_vec(), value.to_vec()));
        Ok(())
    }

    fn remove_response_header(&self, name: &[u8]) -> Result<(), HostError> {
        self.response_map()?.retain(|(other, _)| other != name);
        Ok(())
    }

    fn response_trailers(&self) -> Result<HeaderMap, HostError> {
        Ok(map_of(&self.response_trailers.borrow()))
    }

    fn remove_response_trailer(&self, name: &[u8]) -> Result<(), HostError> {
        let mut trailers = self.response_trailers.borrow_mut();
        trailers.retain(|(other, _)| other != name);
        Ok(())
    }

    fn response_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError> {
        self.called(Call::ResponseBody)?;
        let body = self.response_body.borrow();
        body.get(start..start + len)
            .map(<[u8]>::to_vec)
            .ok_or(HostError(2))
    }

    fn replace_response_body(&self, size: usize, body: &[u8]) -> Result<(), HostError> {
        self.response_body
            .borrow_mut()
            .splice(..size, body.iter().copied());
        Ok(())
    }

    fn source_address(&self) -> Result<Vec<u8>, HostError> {
        self.called(Call::SourceAddress)?;
        Ok(self.source_address.borrow().clone())
    }

    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        self.called(Call::FilterState)?;
        let mut state = self.filter_state.borrow_mut();
        state.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn cut(&self) -> Result<(), HostError> {
        let (counted, reset) = self.cuts.get();
        self.cuts.set((counted, reset + 1));
        Ok(())
    }

    fn reply(&self, reply: &Reply) -> Result<(), HostError> {
        self.called(Call::Reply)?;
        self.replies.borrow_mut().push(Reply {
            status: reply.status,
            details: reply.details,
            headers: reply.headers.clone(),
            made_headers: reply.made_headers.clone(),
            id_headers: reply.id_headers,
            request_id: reply.request_id.clone(),
            body: reply.body.clone(),
        });
        Ok(())
    }
}
