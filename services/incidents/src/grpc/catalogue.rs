//! Answers `linju.incidents.v1.CategoryService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, category_service_server::CategoryService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::catalogue::{category, code, code_or_none},
};
use crate::App;

/// The contract's methods on categories.
#[derive(Clone, Debug)]
pub struct Categories(pub App);

#[tonic::async_trait]
impl CategoryService for Categories {
    async fn get_category(&self, request: Request<v1::GetCategoryRequest>) -> Answer<v1::Category> {
        let call = Call::of(&request)?;
        let code = code("code", &request.into_inner().code)?;
        Ok(Response::new(self.0.category(&call, &code).await?.into()))
    }

    async fn list_categories(&self, request: Request<v1::ListCategoriesRequest>) -> Answer<v1::ListCategoriesResponse> {
        let call = Call::of(&request)?;
        let v1::ListCategoriesRequest { group, include_retired } = request.into_inner();
        let group = code_or_none("group", &group)?;
        let found = self.0.categories(&call, group.as_ref(), include_retired).await?;
        Ok(Response::new(v1::ListCategoriesResponse { categories: found.into_iter().map(Into::into).collect() }))
    }

    async fn create_category(&self, request: Request<v1::CreateCategoryRequest>) -> Answer<v1::Category> {
        let call = Call::of(&request)?;
        let (category, _) = category(request.into_inner().category)?;
        Ok(Response::new(self.0.create_category(&call, category).await?.into()))
    }

    async fn update_category(&self, request: Request<v1::UpdateCategoryRequest>) -> Answer<v1::Category> {
        let call = Call::of(&request)?;
        let (category, etag) = category(request.into_inner().category)?;
        Ok(Response::new(self.0.update_category(&call, category, &etag).await?.into()))
    }

    async fn retire_category(&self, request: Request<v1::RetireCategoryRequest>) -> Answer<v1::Category> {
        let call = Call::of(&request)?;
        let v1::RetireCategoryRequest { code: text, undo, etag } = request.into_inner();
        let code = code("code", &text)?;
        Ok(Response::new(self.0.retire_category(&call, code, !undo, &etag).await?.into()))
    }
}
